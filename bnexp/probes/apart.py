"""A forward pass that training does not notice."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from bnexp.norms import is_batch_norm

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


def gradient_at(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    loss_fn: Callable[[Any, Tensor], Tensor],
    autocast: AbstractContextManager[Any] | None = None,
    loss_scale: float | Tensor = 1.0,
) -> Callable[..., tuple[Tensor, Weights]]:
    """Return a function of weights: the loss of the batch x, y there, and its gradient.

    Every call sees the same random numbers (dropout) and the same buffers. The gradient is that
    of the weights named in a second argument, or else of all of them.
    """

    def at(weights: Weights, wanted: list[str] | None = None) -> tuple[Tensor, Weights]:
        names = list(weights) if wanted is None else wanted
        leaves = {name: weights[name].detach().requires_grad_() for name in names}
        with random_state_kept(x.device), autocast or nullcontext():
            loss = loss_fn(forward_apart(model, x, weights | leaves), y)
        found = torch.autograd.grad(
            loss * loss_scale, list(leaves.values()), allow_unused=True, materialize_grads=True
        )
        return loss.detach(), {n: g / loss_scale for n, g in zip(names, found, strict=True)}

    return at


@contextmanager
def evaluating(model: nn.Module, batch_statistics: bool = False) -> Iterator[None]:
    """Evaluation mode, but for norms if with `batch_statistics`; all modes are put back.

    So is the random state, as a norm in training mode may draw from it.
    """
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    modes = {module: module.training for module in model.modules()}
    model.eval()
    for module in modes:
        if batch_statistics and is_batch_norm(module):
            module.train()
    try:
        with random_state_kept(device) if batch_statistics else nullcontext():
            yield
    finally:
        for module, mode in modes.items():
            module.training = mode


@contextmanager
def random_state_kept(device: torch.device) -> Iterator[None]:
    """Put the random state of the CPU and of `device` back at the end."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        mps = torch.mps.get_rng_state() if device.type == "mps" else None
        try:
            yield
        finally:
            if mps is not None:
                torch.mps.set_rng_state(mps)
