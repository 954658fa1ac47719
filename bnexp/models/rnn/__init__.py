"""The Elman network: its keys, and what the checks know of it."""

from itertools import pairwise
from typing import Literal

from bnexp.models.family import Family, Plain, Shape, hidden_widths, register
from bnexp.models.rnn.sequence import check, layers, step_size


class RNN(Plain):
    """An Elman network that reads an image row by row."""

    kind: Literal["rnn"]


def _parameters(model: RNN, shape: Shape, classes: int) -> int:
    sizes = [step_size(shape), *hidden_widths(model)]
    return sum((a + b + 1) * b for a, b in pairwise(sizes)) + (sizes[-1] + 1) * classes


register(
    Family(
        RNN,
        "bnexp.models.rnn.net.RNN",
        dimensions=(2, 3),
        layers=layers,
        check=check,
        parameters=_parameters,
        recurrent=True,
        small=True,
    )
)
