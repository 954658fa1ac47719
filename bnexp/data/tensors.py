"""A dataset as normalised tensors in memory."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from bnexp.config import AnyData, Synthetic
from bnexp.data import synthetic
from bnexp.data.cache import Facts
from bnexp.data.catalogue import DATASETS
from bnexp.data.facts import describe, source
from bnexp.data.splits import Splits, draw


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


Statistics = tuple[Tensor, Tensor]  # mean and standard deviation of each channel

_latest: dict[tuple[str, int | None, int], Dataset] = {}  # one: a sweep's worker keeps it
_undivided: dict[str, "_Undivided"] = {}  # one, likewise


def load(data: AnyData) -> Dataset:
    """Read a dataset and normalise it by the mean and standard deviation of each channel.

    The statistics are those of the whole training part even with `data.train_size`, so that
    validation and test images are the same numbers for every size; of the training and validation
    part together with `data.split_seed`, so that test images are the same numbers for every seed.
    The tensors are shared by all who ask, so they must not be changed. UserError as `describe`.
    """
    facts = describe(data)
    key = facts.content, data.split_seed, facts.train
    if key not in _latest:
        _latest.clear()
        splits, statistics = _fixed(data) if data.split_seed is None else _drawn(data, facts)
        _latest[key] = _dataset(splits, statistics, facts)
    return _latest[key]


def _dataset(splits: Splits, statistics: Statistics, facts: Facts) -> Dataset:
    return Dataset(
        train_x=_normalised(splits.train_x[: facts.train], statistics),
        train_y=torch.from_numpy(splits.train_y[: facts.train]),
        val_x=_normalised(splits.val_x, statistics),
        val_y=torch.from_numpy(splits.val_y),
        test_x=_normalised(splits.test_x, statistics),
        test_y=torch.from_numpy(splits.test_y),
        shape=facts.shape,
        classes=facts.classes,
    )


def _fixed(data: AnyData) -> tuple[Splits, Statistics]:
    splits = synthetic.generate(data) if isinstance(data, Synthetic) else source(data).splits()
    return splits, channel_statistics(splits.train_x)


def _drawn(data: AnyData, facts: Facts) -> tuple[Splits, Statistics]:
    """The training part is cut to `data.train_size` here, before it is copied."""
    if facts.content not in _undivided:
        _undivided.clear()
        _undivided[facts.content] = _Undivided(_fixed(data)[0])
    return _undivided[facts.content].draw(
        data.split_seed or 0, facts.train, not DATASETS[data.name].official_test
    )


class _Undivided:
    """The training, validation and test part one after the other, to be divided by a seed."""

    def __init__(self, splits: Splits) -> None:
        self.x = np.concatenate([splits.train_x, splits.val_x, splits.test_x])
        self.y = np.concatenate([splits.train_y, splits.val_y, splits.test_y])
        self.val, self.test = len(splits.val_y), len(splits.test_y)

    def draw(self, seed: int, train: int, draw_test: bool) -> tuple[Splits, Statistics]:
        drawn = draw(self.y, self.val, self.test, seed, draw_test)
        if draw_test:  # in file order, as rounding depends on it
            rest = np.sort(np.concatenate([drawn.train, drawn.val]))
            statistics = channel_statistics(self.x[rest])
        else:
            statistics = self._statistics
        parts = drawn.train[:train], drawn.val, drawn.test
        arrays = [array[part] for part in parts for array in (self.x, self.y)]
        return Splits(*arrays), statistics

    @cached_property
    def _statistics(self) -> Statistics:
        return channel_statistics(self.x[: len(self.x) - self.test])


def channel_statistics(images: np.ndarray) -> Statistics:
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


def _normalised(images: np.ndarray, statistics: Statistics) -> Tensor:
    mean, std = statistics
    return torch.from_numpy(images).float().sub_(mean).div_(std)
