"""A dataset as normalised tensors in memory."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from bnexp.data.cache import Facts
from bnexp.data.dataset import Data, info
from bnexp.data.facts import describe, readable, rest_is_tested
from bnexp.data.splits import IntArray, Splits, draw_splits, split_key, uniform
from bnexp.errors import UserError


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


class _Part(NamedTuple):
    """A part as it was read, and the place of each sample in the undivided data."""

    x: np.ndarray
    y: np.ndarray
    place: IntArray


_latest: dict[str, Dataset] = {}  # one: a sweep's worker keeps it
_undivided: dict[str, "_Undivided"] = {}  # one, likewise
_CHANGES = {"test_rest", "split_seed", "lengths", "jitter"}  # of the tensors, not of the content


def load(data: Data, content: str | None = None) -> Dataset:
    """Read a dataset and normalise it by the mean and standard deviation of each channel.

    The statistics are those of the whole training part even with `data.train_size`, so that
    validation and test images are the same numbers for every size; of the training and validation
    part together with `data.split_seed`, so that test images are the same numbers for every seed.
    `data.test_rest` changes which images are tested on, not what any of them is as numbers.
    Then come `data.jitter` and `data.lengths`. The tensors are shared by all who ask, so they must
    not be changed. UserError as `describe`, and where the data is not of the hash `content`.
    """
    facts = describe(data)
    if content not in (None, facts.content):
        raise _changed(data)
    key = f"{facts.content} {facts.train} {data.model_dump_json(include=_CHANGES)}"
    if key not in _latest:
        _latest.clear()
        parts, statistics = (_fixed if data.split_seed is None else _drawn)(data, facts)
        train, val, test = (_tensors(part, statistics, data) for part in parts)
        _latest[key] = Dataset(*train, *val, *test, facts.shape, facts.classes)
    return _latest[key]


def _fixed(data: Data, facts: Facts) -> tuple[list[_Part], Statistics]:
    splits, k = _read(data, facts), facts.train
    sizes = len(splits.train_y), len(splits.val_y), len(splits.test_y)
    train, val, test = np.split(np.arange(sum(sizes)), np.cumsum(sizes[:2]))
    parts = [
        _Part(splits.train_x[:k], splits.train_y[:k], train[:k]),
        _Part(splits.val_x, splits.val_y, val),
        _Part(splits.test_x, splits.test_y, test),
    ]
    if rest_is_tested(data):
        rest = _Part(splits.train_x[k:], splits.train_y[k:], train[k:])
        parts[2] = _Part(*map(np.concatenate, zip(parts[2], rest, strict=True)))
    return parts, channel_statistics(splits.train_x)


def _drawn(data: Data, facts: Facts) -> tuple[list[_Part], Statistics]:
    if facts.content not in _undivided:
        _undivided.clear()
        _undivided[facts.content] = _Undivided(_read(data, facts))
    undivided, draw_test = _undivided[facts.content], not info(data).official_test
    return undivided.divide(data.split_seed or 0, draw_test, facts.train, rest_is_tested(data))


def _read(data: Data, facts: Facts) -> Splits:
    with readable(data):
        source = info(data).open(data)
        splits = source.splits()
        if source.facts().content != facts.content:  # of files, perhaps, that are being copied
            raise _changed(data)
    return splits


def _changed(data: Data) -> UserError:
    return UserError(f"data.name={data.name}: changed since the run was planned; start it anew")


class _Undivided:
    """The training, validation and test part one after the other, to be divided by a seed."""

    def __init__(self, splits: Splits) -> None:
        self.x = np.concatenate([splits.train_x, splits.val_x, splits.test_x])
        self.y = np.concatenate([splits.train_y, splits.val_y, splits.test_y])
        self.val, self.test = len(splits.val_y), len(splits.test_y)

    def divide(
        self, seed: int, draw_test: bool, train_size: int, test_rest: bool
    ) -> tuple[list[_Part], Statistics]:
        drawn = draw_splits(self.y, self.val, self.test, seed, draw_test)
        if draw_test:  # in the order of the data, as rounding depends on it
            rest = np.sort(np.concatenate([drawn.train, drawn.val]))
            statistics = channel_statistics(self.x[rest])
        else:
            statistics = self._statistics
        train, rest = np.split(drawn.train, [train_size])
        tested = np.concatenate([drawn.test, rest]) if test_rest else drawn.test
        places = train, drawn.val, tested
        return [_Part(self.x[place], self.y[place], place) for place in places], statistics

    @cached_property
    def _statistics(self) -> Statistics:
        return channel_statistics(self.x[: len(self.x) - self.test])


def _tensors(part: _Part, statistics: Statistics, data: Data) -> tuple[Tensor, Tensor]:
    """Normalised samples; jitter and length depend on a sample's place, not on its part."""
    x, place = _normalised(part.x, statistics), part.place
    n = place.max(initial=0) + 1
    if data.jitter:
        from bnexp.data.jitter import jitter

        columns = 2 + x.shape[1]
        chance = uniform(n * columns, split_key(data.split_seed), 4).reshape(n, columns)[place]
        jitter(x, data.jitter, torch.from_numpy(2 * chance - 1))
    if data.lengths is not None:
        from bnexp.data.lengths import cut

        low, high = data.lengths
        chance = uniform(n, split_key(data.split_seed), 3)[place]
        cut(x, torch.from_numpy(low + np.floor(chance * (high - low + 1))))
    return x, torch.from_numpy(part.y)


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
