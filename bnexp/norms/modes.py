"""Evaluation mode for a while, with or without batch statistics."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from bnexp.norms.make import is_batch_norm
from bnexp.random_state import random_state_kept


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """A context in evaluation mode; at its end every module is back in the mode it had."""
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode


@contextmanager
def batch_statistics(model: nn.Module) -> Iterator[list[nn.Module]]:
    """A context with the batch-statistics norms, and nothing else, in training mode; yields them.

    A norm that the model's own `train` keeps frozen stays frozen
    (https://github.com/pytorch/pytorch/issues/86590). At the end the modes of all modules, the
    buffers of these norms, and the random state are as before: a norm in training mode may draw
    random numbers.
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
