"""A forward pass that training does not notice."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn
from torch.func import functional_call

Weights = dict[str, Tensor]  # by name, as in `named_parameters`


def eager(model: nn.Module) -> nn.Module:
    """The module that torch.compile wrapped, whose hooks run; others as they are."""
    return getattr(model, "_orig_mod", model)


def forward_apart(model: nn.Module, x: Tensor, weights: Mapping[str, Tensor] | None = None) -> Any:
    """The output of `model` for x, on copies of its buffers and of x.

    `weights` stand in for the parameters that they name.
    """
    buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
    return functional_call(model, {**buffers, **(weights or {})}, (x.clone(),))


def trained_weights(model: nn.Module) -> Weights:
    """The parameters that are trained, outside the graph, in the order of their definition."""
    return {name: p.detach() for name, p in model.named_parameters() if p.requires_grad}
