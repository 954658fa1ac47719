"""A dataset as normalised tensors in memory."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bnexp.config import AnyData, Synthetic
from bnexp.data import synthetic
from bnexp.data.cache import Facts
from bnexp.data.facts import describe, source


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images float32, (N, C, H, W) or (N, F); labels int64, (N,); on the CPU, contiguous."""

    train_x: Tensor
    train_y: Tensor
    val_x: Tensor
    val_y: Tensor
    test_x: Tensor
    test_y: Tensor
    shape: tuple[int, ...]
    classes: int


_latest: dict[tuple[str, int], Dataset] = {}  # one: a sweep's worker keeps it


def load(data: AnyData) -> Dataset:
    """Read a dataset and normalise it by the mean and standard deviation of each channel.

    The statistics are those of the whole training part even with `data.train_size`, so that
    validation and test images are the same numbers for every size. The tensors are shared by all
    who ask, so they must not be changed. UserError as `describe`.
    """
    facts = describe(data)
    key = facts.content, facts.train
    if key not in _latest:
        _latest.clear()
        _latest[key] = _read(data, facts)
    return _latest[key]


def _read(data: AnyData, facts: Facts) -> Dataset:
    splits = synthetic.generate(data) if isinstance(data, Synthetic) else source(data).splits()
    mean, std = channel_statistics(splits.train_x)
    return Dataset(
        train_x=_normalised(splits.train_x[: facts.train], mean, std),
        train_y=torch.from_numpy(splits.train_y[: facts.train]),
        val_x=_normalised(splits.val_x, mean, std),
        val_y=torch.from_numpy(splits.val_y),
        test_x=_normalised(splits.test_x, mean, std),
        test_y=torch.from_numpy(splits.test_y),
        shape=facts.shape,
        classes=facts.classes,
    )


def channel_statistics(images: np.ndarray) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation by channel, shaped to broadcast; (N, F) counts as one channel.

    A channel that never varies gets the standard deviation 1. Summed by numpy, whose result does
    not depend on the number of threads, and in small parts, which keeps float64 copies small.
    """
    axes = (0, 1) if images.ndim == 2 else (0, *range(2, images.ndim))
    total = squares = np.zeros(1)
    for part in np.array_split(images, -(-len(images) // 1024)):
        part = part.astype(np.float64)
        total = total + part.sum(axes, keepdims=True)
        squares = squares + np.square(part).sum(axes, keepdims=True)
    count = images.size // total.size
    mean = total / count
    std = np.sqrt(np.maximum(squares / count - mean**2, 0))
    std[std == 0] = 1
    return torch.from_numpy(mean[0]).float(), torch.from_numpy(std[0]).float()


def _normalised(images: np.ndarray, mean: Tensor, std: Tensor) -> Tensor:
    return torch.from_numpy(images).float().sub_(mean).div_(std)
