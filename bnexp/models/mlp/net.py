"""The multilayer perceptron."""

import math
from itertools import pairwise

from torch import Tensor, nn

from bnexp.models.family import hidden_widths
from bnexp.models.layer import Head, Layer, initialised
from bnexp.models.mlp import MLP as Config


class MLP(nn.Module):
    """Fully connected layers: (N, *shape) -> logits (N, classes).

    All weights are drawn before any norm is attached, so that they depend on the seed alone.
    """

    def __init__(self, model: Config, shape: tuple[int, ...], classes: int) -> None:
        super().__init__()
        sizes = [math.prod(shape), *hidden_widths(model), classes]
        *hidden, head = [initialised(nn.Linear(a, b), model) for a, b in pairwise(sizes)]
        self.layers = nn.ModuleList(Layer(linear, model) for linear in hidden)
        self.head = Head(head, model)

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        x = x.flatten(1)
        for layer in self.layers:
            x = layer(x)
        logits: Tensor = self.head(x)
        return logits
