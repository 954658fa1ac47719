"""The convolutional net."""

from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from bnexp.models.cnn import CNN as Config
from bnexp.models.cnn import conv_places, pool_sides
from bnexp.models.family import hidden_widths
from bnexp.models.layer import Head, Layer, initialised


class CNN(nn.Module):
    """Blocks of convolution, norm, activation, 2x2 max pooling; then fully connected layers.

    (N, C, H, W) -> logits (N, classes). A side of 1 is not pooled. The hidden linear layers carry
    the same norm, except one over space (instance norm), which they cannot. All weights are drawn
    before any norm is attached, so that they depend on the seed alone.
    """

    def __init__(self, model: Config, shape: tuple[int, ...], classes: int) -> None:
        super().__init__()
        channels = [shape[0], *hidden_widths(model)]
        size = model.kernel_size
        convs = [
            initialised(nn.Conv2d(a, b, size, padding=size // 2), model)
            for a, b in pairwise(channels)
        ]
        height, width = conv_places(model, shape)[-1]
        features = [channels[-1] * height * width, *model.fc_widths, classes]
        *hidden, head = [initialised(nn.Linear(a, b), model) for a, b in pairwise(features)]
        self.blocks = len(convs)
        linears: list[nn.Conv2d | nn.Linear] = [*convs, *hidden]
        self.layers = nn.ModuleList(Layer(linear, model) for linear in linears)
        self.head = Head(head, model)

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        for layer in self.layers[: self.blocks]:
            x = layer(x)
            x = F.max_pool2d(x, pool_sides(*x.shape[2:]))
        x = x.flatten(1)
        for layer in self.layers[self.blocks :]:
            x = layer(x)
        logits: Tensor = self.head(x)
        return logits
