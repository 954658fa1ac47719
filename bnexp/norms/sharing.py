"""Which values share a statistic, read off a layer by its gradients."""

from collections.abc import Callable

import torch
from torch import Tensor, nn


def shared_values(layer: Callable[[Tensor], Tensor], shape: tuple[int, ...]) -> list[Tensor]:
    """Return a mask (*shape) for each set of samples whose channels share statistics.

    Each mask marks the input values that the first output value of its first sample depends on:
    the values of one statistic. Together the masks reach every sample. An output that depends on
    one value alone uses no statistic of this input. The module's parameters are replaced by
    those of `drawn`, since a scale of 0 would hide what lies behind it.
    """
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(shape, dtype=torch.float64, generator=generator).requires_grad_()
    y = layer(x)
    masks: list[Tensor] = []
    reached = torch.zeros(shape[0], dtype=torch.bool)
    for sample in range(shape[0]):
        if not reached[sample]:
            (gradient,) = torch.autograd.grad(
                y[sample].flatten()[0],
                x,
                retain_graph=True,
                allow_unused=True,
                materialize_grads=True,
            )
            masks.append(gradient != 0)
            reached |= masks[-1].flatten(1).any(1)
    return masks


def drawn(layer: nn.Module) -> nn.Module:
    """The layer itself, its parameters drawn from U(1/2, 3/2); the same at every call."""
    generator = torch.Generator().manual_seed(0)
    for parameter in layer.parameters():
        with torch.no_grad():
            parameter.uniform_(0.5, 1.5, generator=generator)
    return layer


def count(masks: list[Tensor]) -> tuple[int, list[int]]:
    """Return how many statistics there are, and the numbers of values that one is made of."""
    sizes = [int(mask.sum()) for mask in masks]
    values = [int(mask.flatten(1).any(1).sum()) * mask[0].numel() for mask in masks]
    number = sum(v // size for v, size in zip(values, sizes, strict=True) if size)
    return number, sorted(set(sizes))
