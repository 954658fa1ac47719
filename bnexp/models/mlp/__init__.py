"""The multilayer perceptron: its keys, and what the checks know of it."""

from itertools import pairwise
from math import prod
from typing import Literal

from bnexp.models.family import Family, NormedLayer, Plain, Shape, hidden_widths, register


class MLP(Plain):
    """Fully connected layers on the flattened input."""

    kind: Literal["mlp"]


def _layers(model: MLP, shape: Shape, classes: int) -> list[NormedLayer]:
    return [NormedLayer(width) for width in hidden_widths(model)]


def _parameters(model: MLP, shape: Shape, classes: int) -> int:
    sizes = [prod(shape), *hidden_widths(model), classes]
    return sum((a + 1) * b for a, b in pairwise(sizes))


register(
    Family(MLP, "bnexp.models.mlp.net.MLP", layers=_layers, parameters=_parameters, small=True)
)
