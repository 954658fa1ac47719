"""The recurrent nets, Elman's and the LSTM: their keys, and what the checks know of them."""

from itertools import pairwise
from typing import Literal

from bnexp.models.family import (
    Family,
    NormedLayer,
    Plain,
    Shape,
    hidden_widths,
    norm_info,
    register,
)

GATES = ("input", "forget", "cell", "output")  # of an LSTM, in PyTorch's order


class RNN(Plain):
    """An Elman network that reads an image row by row."""

    kind: Literal["rnn"]


class LSTM(Plain):
    """Long short-term memory (arXiv:1402.1128) that reads an image row by row."""

    kind: Literal["lstm"]


def step_size(shape: Shape) -> int:
    """The values of one step: a row of all channels, or the channels of (C, T)."""
    return shape[0] if len(shape) == 2 else shape[0] * shape[2]


def _layers(model: Plain, shape: Shape, classes: int) -> list[NormedLayer]:
    """Batch statistics are taken of the input transform at all steps, others at one step."""
    norm = norm_info(model)
    places = shape[1] if norm.batch_statistics and not norm.recurrent_only else 1
    return [NormedLayer(width, places) for width in hidden_widths(model)]


def _check(model: Plain, shape: Shape, classes: int) -> list[str]:
    if model.placement == "after" and model.norm != "none":
        return [
            f"model.placement=after: an {model.kind} normalises before its activation; use before"
        ]
    return []


def _parameters(model: Plain, shape: Shape, classes: int) -> int:
    sizes = [step_size(shape), *hidden_widths(model)]
    gates = len(GATES) if isinstance(model, LSTM) else 1
    return sum((a + b + 1) * gates * b for a, b in pairwise(sizes)) + (sizes[-1] + 1) * classes


for _options in (RNN, LSTM):
    register(
        Family(
            _options,
            f"bnexp.models.recurrent.net.{_options.__name__}",
            dimensions=(2, 3),
            layers=_layers,
            check=_check,
            parameters=_parameters,
            recurrent=True,
            small=True,
        )
    )
