"""The convolutional net: its keys, and what the checks know of it."""

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, field_validator

from bnexp.models.family import (
    Family,
    NormedLayer,
    Plain,
    Shape,
    Width,
    hidden_widths,
    norm_info,
    register,
)


class CNN(Plain):
    """Blocks of convolution, norm, activation and 2x2 max pooling; then hidden linear layers."""

    kind: Literal["cnn"]
    kernel_size: Annotated[int, Field(ge=1, le=15)] = Field(description="odd; same padding")
    fc_widths: list[Width] = Field(
        max_length=2000, description="hidden linear layers after the blocks"
    )

    @field_validator("kernel_size")
    @classmethod
    def _odd(cls, size: int) -> int:
        if size % 2 == 0:
            raise ValueError("must be odd")
        return size


def pool_sides(height: int, width: int) -> tuple[int, int]:
    """The sides of the max pooling window: 2, or 1 where nothing is left to pool."""
    return min(2, height), min(2, width)


def conv_places(model: CNN, shape: Shape) -> list[tuple[int, int]]:
    """Height and width at every block's convolution, and last those after all blocks."""
    _, height, width = shape
    places = [(height, width)]
    for _ in hidden_widths(model):
        down, across = pool_sides(height, width)
        height, width = height // down, width // across
        places.append((height, width))
    return places


def _layers(model: CNN, shape: Shape, classes: int) -> list[NormedLayer]:
    places = [height * width for height, width in conv_places(model, shape)[:-1]]
    layers = [NormedLayer(*layer) for layer in zip(hidden_widths(model), places, strict=True)]
    if not norm_info(model).needs_space:
        layers += map(NormedLayer, model.fc_widths)
    return layers


def _parameters(model: CNN, shape: Shape, classes: int) -> int:
    channels = [shape[0], *hidden_widths(model)]
    height, width = conv_places(model, shape)[-1]
    features = [channels[-1] * height * width, *model.fc_widths, classes]
    convs = sum((a * model.kernel_size**2 + 1) * b for a, b in pairwise(channels))
    return convs + sum((a + 1) * b for a, b in pairwise(features))


register(
    Family(
        CNN,
        "bnexp.models.cnn.net.CNN",
        dimensions=(3,),
        layers=_layers,
        parameters=_parameters,
        space=True,
    )
)
