"""What the shapes of our own nets follow from. Imports no torch, so that the checks need none."""

from bnexp.config import CNN, MLP, RNN
from bnexp.norms.catalogue import NORMS


def hidden_widths(model: MLP | CNN | RNN) -> list[int]:
    """The widths after `depth`: cut, or the last one repeated, to that many layers."""
    if model.depth is None:
        return list(model.widths)
    repeated = [model.widths[-1]] * max(0, model.depth - len(model.widths))
    return [*model.widths, *repeated][: model.depth]


def pool_sides(height: int, width: int) -> tuple[int, int]:
    """The sides of the max pooling window: 2, or 1 where nothing is left to pool."""
    return min(2, height), min(2, width)


def conv_places(model: CNN, shape: tuple[int, ...]) -> list[tuple[int, int]]:
    """Height and width of every block's convolution, and last those of what is left after them."""
    _, height, width = shape
    places = [(height, width)]
    for _ in hidden_widths(model):
        down, across = pool_sides(height, width)
        height, width = height // down, width // across
        places.append((height, width))
    return places


def normalised(
    model: MLP | CNN | RNN, shape: tuple[int, ...], classes: int
) -> list[tuple[int, int]]:
    """Channels, and places per sample, of every layer that the norm normalises."""
    layers = [(width, 1) for width in hidden_widths(model)]
    if isinstance(model, CNN):
        places = [height * width for height, width in conv_places(model, shape)]
        layers = list(zip(hidden_widths(model), places, strict=False))
        if model.norm not in NORMS or not NORMS[model.norm].needs_space:
            layers += [(width, 1) for width in model.fc_widths]
    return layers + [(classes, 1)] * model.norm_output
