"""Combinations of model, norm and data that cannot work, found before training. Without torch."""

from bnexp.config import CNN, RNN, Model, Torchvision
from bnexp.models.shapes import normalised
from bnexp.norms.catalogue import NORMS

_DIMENSIONS = {"cnn": (3,), "rnn": (2, 3)}  # of one sample


def check(
    model: Model, shape: tuple[int, ...], classes: int, batch_size: int, smallest_batch: int
) -> list[str]:
    """One line for each problem; `smallest_batch` is that of the last batch of an epoch.

    Knows our own nets and norms: those of others are checked by running them.
    """
    if isinstance(model, Torchvision):
        return []
    if len(shape) not in _DIMENSIONS.get(model.kind, (len(shape),)):
        shown = list(shape)
        return [f"model.kind={model.kind}: reads images, and a sample is {shown}; model=mlp takes it"]
    if model.norm not in NORMS:
        return []
    norm = NORMS[model.norm]
    layers = normalised(model, shape, classes)
    start = f"model.norm={model.norm}"
    problems = []
    if norm.recurrent_only and not isinstance(model, RNN):
        problems.append(f"{start}: is for recurrent nets only; use batch, or model=rnn")
    if norm.needs_space and not isinstance(model, CNN):
        problems.append(f"{start}: normalises over space, which only a cnn has; use layer or group")
    elif norm.needs_space and any(places == 1 for _, places in layers):
        problems.append(
            f"{start}: some layer has one value per sample and channel left to normalise; "
            "use fewer blocks, larger images or no model.norm_output"
        )
    if model.placement == "after" and norm.on_weights:
        problems.append(f"model.placement=after: norm {model.norm} acts on weights; use before")
    if model.placement == "after" and isinstance(model, RNN):
        problems.append("model.placement=after: an rnn normalises before its activation; use before")
    problems += _groups(model.norm_options.get("groups", 1), sorted({c for c, _ in layers}))
    if norm.batch_statistics and any(places == 1 for _, places in layers):
        ghost = model.norm_options.get("ghost_size", batch_size)
        problems += _lone_sample(model.norm, batch_size, smallest_batch, ghost)
    return problems


def _groups(groups: int, channels: list[int]) -> list[str]:
    if all(count % groups == 0 for count in channels):
        return []
    fits = [g for g in range(min(channels), 0, -1) if all(c % g == 0 for c in channels)]
    nearest = min(fits, key=lambda fit: abs(fit - groups))
    shown = ", ".join(map(str, channels))
    return [
        f"model.norm_options.groups={groups}: must divide the channels of every normalised layer "
        f"({shown}); nearest: {nearest}"
    ]


def _lone_sample(norm: str, batch_size: int, smallest_batch: int, ghost: int) -> list[str]:
    """Where a channel would have one value to take a variance from."""
    why = f"norm {norm} has no variance of one sample on fully connected layers"
    if batch_size == 1:
        return [f"data.batch_size=1: {why}; use at least 2, or a norm such as layer"]
    if ghost == 1:
        return [f"model.norm_options.ghost_size=1: {why}; use at least 2"]
    if smallest_batch == 1:
        return [
            f"data.batch_size={batch_size}: the last batch of an epoch is one sample, and {why}; "
            "use data.drop_last=true or another size"
        ]
    for size in {batch_size, smallest_batch}:
        if size % ghost == 1:
            return [
                f"model.norm_options.ghost_size={ghost}: leaves one of {size} samples, and {why}; "
                "use a divisor of the batch size"
            ]
    return []
