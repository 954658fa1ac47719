"""What the recurrent nets have in common, as far as it needs no torch."""

from bnexp.models.family import NormedLayer, Plain, Shape, hidden_widths, norm_info


def step_size(shape: Shape) -> int:
    """The values of one step: a row of all channels, or the channels of (C, T)."""
    return shape[0] if len(shape) == 2 else shape[0] * shape[2]


def layers(model: Plain, shape: Shape, classes: int) -> list[NormedLayer]:
    """Batch statistics are of the input transform at all steps; other norms are of one step."""
    norm = norm_info(model)
    places = shape[1] if norm.batch_statistics and not norm.recurrent_only else 1
    return [NormedLayer(width, places) for width in hidden_widths(model)]


def check(model: Plain, shape: Shape, classes: int) -> list[str]:
    """A recurrent layer cannot normalise after its activation."""
    if model.placement == "after" and model.norm != "none":
        return [
            f"model.placement=after: an {model.kind} normalises before its activation; use before"
        ]
    return []
