"""Loss and accuracy on splits, by running or by batch statistics."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bnexp.norms import is_batch_norm
from bnexp.probes import evaluating

TRAIN_MODE_SAMPLES = 2_000
_MOST = 1_000  # samples of a batch
_BYTES = 768 * 1024  # of a batch on a CPU: what the layers make of a larger one leaves the cache

Split = tuple[Tensor, Tensor]  # inputs, classes


@torch.no_grad()
def evaluate(model: nn.Module, splits: Iterable[Split], autocast: torch.autocast) -> Tensor:
    """Mean cross-entropy (nats) and accuracy in evaluation mode, two numbers for each split."""
    model.eval()
    return torch.cat([_loss_and_accuracy(model, x, y, _fit(x), autocast) for x, y in splits])


@torch.no_grad()
def evaluate_train_mode(
    model: nn.Module, splits: Iterable[Split], batch_size: int, autocast: torch.autocast
) -> Tensor:
    """The same with batch statistics on the first 2,000 samples; buffers are left as they were.

    Only the batch-statistics norms are in training mode: dropout stays off. A last batch of one
    sample has no statistics and is left out.
    """
    found = []
    with batch_statistics(model):
        for x, y in splits:
            x, y = x[:TRAIN_MODE_SAMPLES], y[:TRAIN_MODE_SAMPLES]
            if batch_size > 1 and len(x) % batch_size == 1:
                x, y = x[:-1], y[:-1]
            found.append(_loss_and_accuracy(model, x, y, batch_size, autocast))
    return torch.cat(found)


@contextmanager
def batch_statistics(model: nn.Module) -> Iterator[None]:
    """Put the batch-statistics norms, and nothing else, in training mode; then undo all."""
    norms = [module for module in model.modules() if is_batch_norm(module)]
    before = [(buffer, buffer.clone()) for norm in norms for buffer in norm.buffers()]
    model.eval()
    try:
        with evaluating(model, batch_statistics=True):
            yield
    finally:
        with torch.no_grad():
            for buffer, value in before:
                buffer.copy_(value)


def _fit(x: Tensor) -> int:
    """How many samples to evaluate at once."""
    if x.device.type != "cpu":
        return _MOST
    return min(_MOST, max(1, _BYTES // (x[0].numel() * x.element_size())))


def _loss_and_accuracy(
    model: nn.Module, x: Tensor, y: Tensor, batch_size: int, autocast: torch.autocast
) -> Tensor:
    with autocast:
        logits = torch.cat([model(x_batch) for x_batch in x.split(batch_size)])
    accuracy = (logits.argmax(1) == y).float().mean()
    return torch.stack([F.cross_entropy(logits.float(), y), accuracy])
