"""What the shapes of our own nets follow from. Imports no torch, so that the checks need none."""

from dataclasses import dataclass

from bnexp.config import CNN, MLP, RNN
from bnexp.norms.catalogue import NORMS, NormInfo


def hidden_widths(model: MLP | CNN | RNN) -> list[int]:
    """The widths after `depth`: cut, or the last one repeated, to that many layers."""
    depth = model.depth or len(model.widths)
    return (model.widths + model.widths[-1:] * depth)[:depth]


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


@dataclass(frozen=True)
class NormedLayer:
    """What a norm sees of a layer: its channels, and at how many places of a sample each is."""

    channels: int
    places: int = 1


def normed_layers(
    model: MLP | CNN | RNN, shape: tuple[int, ...], classes: int
) -> list[NormedLayer]:
    """Every layer that the norm normalises."""
    norm = NORMS.get(model.norm, NormInfo("someone else's"))
    widths = hidden_widths(model)
    places = [1] * len(widths)
    if isinstance(model, CNN):
        places = [height * width for height, width in conv_places(model, shape)[:-1]]
    elif isinstance(model, RNN) and norm.batch_statistics and not norm.recurrent_only:
        places = [shape[1]] * len(widths)  # of the input transform: all steps
    layers = [NormedLayer(*layer) for layer in zip(widths, places, strict=True)]
    if isinstance(model, CNN) and not norm.needs_space:
        layers += map(NormedLayer, model.fc_widths)
    return layers + [NormedLayer(classes)] * model.norm_output
