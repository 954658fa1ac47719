"""Evaluation mode for a while, with or without batch statistics."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from bnexp.norms.make import is_batch_norm
from bnexp.random_state import random_state_kept


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Evaluation mode; at the end every module is in its own mode again."""
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode


@contextmanager
def batch_statistics(model: nn.Module) -> Iterator[list[nn.Module]]:
    """The batch-statistics norms, and nothing else, in training mode; then all is put back.

    Only the norms that `model.train()` puts in training mode: one that a model's own `train`
    keeps frozen stays so (https://github.com/pytorch/pytorch/issues/86590). Yields them. Put back
    are the modes of all modules, the buffers of these norms, and the random state, as a norm in
    training mode may draw from it.
    """
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    with evaluating(model), random_state_kept(device):
        model.train()
        norms = [m for m in model.modules() if is_batch_norm(m) and m.training]
        before = [(buffer, buffer.clone()) for norm in norms for buffer in norm.buffers()]
        model.eval()
        for norm in norms:
            norm.train()
        try:
            yield norms
        finally:
            with torch.no_grad():
                for buffer, value in before:
                    buffer.copy_(value)
