"""A forward pass that training does not notice."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call


def eager(model: nn.Module) -> nn.Module:
    """The module that torch.compile wrapped, whose hooks run; others as they are."""
    return getattr(model, "_orig_mod", model)


def forward_apart(model: nn.Module, x: Tensor) -> Any:
    """The output of `model` for x, on copies of its buffers and of x."""
    buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
    return functional_call(model, buffers, (x.clone(),))


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
