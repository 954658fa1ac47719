"""The layer that our own nets are built from, and its initialisation."""

from typing import TypeVar

import torch
from torch import Tensor, nn

from bnexp.models.family import Own, Plain, norm_info
from bnexp.norms import attach_norm

L = TypeVar("L", nn.Linear, nn.Conv2d)

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "gelu": nn.GELU,
    "identity": nn.Identity,
}


class Layer(nn.Module):
    """`linear` (or a convolution), `norm`, `activation`, `dropout`; the norm may come after."""

    def __init__(self, linear: nn.Linear | nn.Conv2d, model: Plain) -> None:
        super().__init__()
        norm, channels = model.norm, linear.weight.shape[0]
        if isinstance(linear, nn.Linear) and norm_info(model).needs_space:
            norm = "none"  # a cnn's hidden linear layers, when the norm is one over space
        options = model.norm_options if norm == model.norm else {}
        self.linear, self.norm = attach_norm(linear, norm, channels, **options)
        self.activation = ACTIVATIONS[model.activation]()
        self.dropout = nn.Dropout(model.dropout) if model.dropout else nn.Identity()
        self.after = model.placement == "after"

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        x = self.linear(x)
        x = self.norm(self.activation(x)) if self.after else self.activation(self.norm(x))
        y: Tensor = self.dropout(x)
        return y


class Head(nn.Module):
    """The output layer: `linear`, and a norm on the logits if `norm_output`."""

    def __init__(self, linear: nn.Linear, model: Own) -> None:
        super().__init__()
        self.linear: nn.Module = linear
        self.norm: nn.Module = nn.Identity()
        if model.norm_output:
            width = linear.out_features
            self.linear, self.norm = attach_norm(linear, model.norm, width, **model.norm_options)

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        logits: Tensor = self.norm(self.linear(x))
        return logits


@torch.no_grad()
def initialised(layer: L, model: Own) -> L:
    """Draw the layer's weights as `init` says, and multiply them by `init_scale`.

    Every linear and convolutional layer goes through here, the output layer too. `he`: normal
    with variance 2 / fan-in (arXiv:1502.01852), whatever the activation; `xavier`: normal with
    2 / (fan-in + fan-out); `orthogonal`: rows or columns orthonormal; biases are then 0.
    `default` is PyTorch's own, uniform with variance 1 / (3 fan-in), for weights and biases. The
    scale leaves biases alone.
    """
    match model.init:
        case "he":
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        case "xavier":
            nn.init.xavier_normal_(layer.weight)
        case "orthogonal":
            nn.init.orthogonal_(layer.weight)
    if model.init != "default" and layer.bias is not None:
        layer.bias.zero_()
    layer.weight.mul_(model.init_scale)
    return layer


def weight_normed(linear: nn.Linear | nn.Conv2d, model: Own) -> nn.Module:
    """The layer, its weight normalised where the model's norm is one of weights."""
    if not norm_info(model).on_weights:
        return linear
    return attach_norm(linear, model.norm, linear.weight.shape[0], **model.norm_options)[0]
