"""Loss and accuracy on splits, by running or by batch statistics."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bnexp.data.splits import permutation
from bnexp.norms import batch_statistics, evaluating

TRAIN_MODE_SAMPLES = 2_000
_MOST = 1_000  # samples of a batch
_BYTES = 768 * 1024  # of a batch on a CPU: what the layers make of a larger one leaves the cache
_SEED = 2**63 + 1  # of subsets: no run's seed, so that all runs have the same

Split = tuple[Tensor, Tensor]  # inputs, classes


def subset(split: Split, samples: int) -> Split:
    """`samples` of a split in random order, the same for every run; all if it has fewer.

    Random, since the files of a dataset may be sorted by class.
    """
    x, y = split
    chosen = torch.from_numpy(permutation(len(y), _SEED, 0)[:samples]).to(y.device)
    return x.index_select(0, chosen), y.index_select(0, chosen)


@torch.no_grad()
def evaluate(model: nn.Module, split: Split, autocast: torch.autocast) -> Tensor:
    """Mean cross-entropy (nats) and accuracy in evaluation mode, (2,)."""
    with evaluating(model):
        return _loss_and_accuracy(model, split, _sizes(split[0]), autocast)


@torch.no_grad()
def evaluate_train_mode(
    model: nn.Module, split: Split, batch_size: int, autocast: torch.autocast
) -> Tensor:
    """As `evaluate`, but norms use the statistics of whole batches of `batch_size`.

    About 2,000 samples are drawn at random, so that batches are mixed as in training. Only the
    batch-statistics norms that training has in training mode are in it: dropout stays off. A
    split smaller than a batch is one batch. Modes and buffers are left as they were.
    """
    x, y = subset(split, TRAIN_MODE_SAMPLES)
    batch_size = min(batch_size, len(y))
    whole = len(y) // batch_size
    with batch_statistics(model):
        x, y = x[: whole * batch_size], y[: whole * batch_size]
        return _loss_and_accuracy(model, (x, y), [batch_size] * whole, autocast)


def evaluation_batch_sizes(samples: int, values: int, on_cpu: bool) -> list[int]:
    """The sizes of the batches in which `samples` of so many `values` each are evaluated.

    No batch has a single sample, unless there is only one: some norms have no statistics of one.
    """
    size = min(_MOST, max(2, _BYTES // (4 * values))) if on_cpu else _MOST
    whole, rest = divmod(samples, size)
    if rest == 1 and whole:
        return [size] * (whole - 1) + [size + 1]
    return [size] * whole + [rest] * (rest > 0)


def _sizes(x: Tensor) -> list[int]:
    return evaluation_batch_sizes(len(x), x[0].numel(), x.device.type == "cpu")


def _loss_and_accuracy(
    model: nn.Module, split: Split, sizes: list[int], autocast: torch.autocast
) -> Tensor:
    x, y = split
    with autocast:
        # copies, since a net may work on its input in place, and these are parts of the split
        logits = torch.cat([model(x_batch.clone()) for x_batch in x.split(sizes)])
    accuracy = (logits.argmax(1) == y).float().mean()
    return torch.stack([F.cross_entropy(logits.float(), y), accuracy])
