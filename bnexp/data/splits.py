"""Fixed splits and orders, the same on every machine and for every run's seed."""

import hashlib
from typing import NamedTuple

import numpy as np

IntArray = np.ndarray[tuple[int], np.dtype[np.int64]]

_SPLIT_SEED = 2**63  # of the fixed split; no run's seed: those are below 2**32


class Splits(NamedTuple):
    """A decoded dataset: images (N, C, H, W) or (N, F), labels int64 (N,), three times.

    Any first k samples of the training part are a class-balanced subset.
    """

    train_x: np.ndarray
    train_y: np.ndarray
    val_x: np.ndarray
    val_y: np.ndarray
    test_x: np.ndarray
    test_y: np.ndarray

    def content(self) -> str:
        """SHA-256 over types, shapes and values, in hexadecimal digits."""
        digest = hashlib.sha256()
        for array in self:
            digest.update(f"{array.dtype.str}{array.shape}".encode())
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()


def permutation(n: int, seed: int, stream: int) -> IntArray:
    """The numbers below n in random order; equal seeds and streams give equal orders.

    By sorting raw Philox numbers: numpy promises that this stream never changes, and neither
    numpy's `Generator.permutation` nor `torch.randperm` comes with such a promise.
    """
    key = np.array([seed, stream], dtype=np.uint64)
    return np.argsort(np.random.Philox(key=key).random_raw(n), kind="stable")


def uniform(n: int, seed: int, stream: int) -> np.ndarray:
    """n numbers in [0, 1), float64; equal seeds and streams give equal numbers."""
    key = np.array([seed, stream], dtype=np.uint64)
    return (np.random.Philox(key=key).random_raw(n) >> 11) * 2.0**-53


def split_key(split_seed: int | None) -> int:
    """The seed of what is drawn by `data.split_seed`, independent of what a run's seed draws."""
    return _SPLIT_SEED if split_seed is None else _SPLIT_SEED + 1 + split_seed


def hold_out(
    labels: np.ndarray, size: int, stream: int = 0, seed: int | None = None
) -> tuple[IntArray, IntArray]:
    """Indices of the kept and of the `size` held-out samples, every class in its share.

    `seed` draws them; None is the fixed choice.
    """
    order = permutation(len(labels), split_key(seed), stream)
    share = (_ranks(labels[order]) + 0.5) / np.bincount(labels)[labels[order]]
    order = order[np.argsort(share, kind="stable")]
    return order[size:], order[:size]


def balanced_order(labels: np.ndarray, seed: int | None = None) -> IntArray:
    """An order in which the first k samples hold equally many of each class, as far as they go."""
    order = permutation(len(labels), split_key(seed), 2)
    return order[np.argsort(_ranks(labels[order]), kind="stable")]


def with_validation(
    train_x: np.ndarray, train_y: np.ndarray, test_x: np.ndarray, test_y: np.ndarray, val: int
) -> Splits:
    """Take `val` samples out of the training part, which is then put in balanced order."""
    kept, held_out = hold_out(train_y, val)
    kept = kept[balanced_order(train_y[kept])]
    parts = train_x[kept], train_y[kept], train_x[held_out], train_y[held_out], test_x, test_y
    return Splits(*parts)


class Draw(NamedTuple):
    """Which samples are for what: indices into the three parts of `Splits`, concatenated."""

    train: IntArray
    val: IntArray
    test: IntArray


def draw_splits(labels: np.ndarray, val: int, test: int, seed: int, draw_test: bool) -> Draw:
    """The parts drawn anew by `seed`, of the same sizes, every class in its share.

    `labels` are those of the three parts of `Splits`, one after the other; the last `test` of them
    stay the test part unless `draw_test`. The training part is in balanced order.
    """
    rest, tested = np.split(np.arange(len(labels)), [len(labels) - test])
    if draw_test:
        rest, tested = hold_out(labels, test, 1, seed)
    kept, held_out = hold_out(labels[rest], val, 0, seed)
    train = rest[kept]
    return Draw(train[balanced_order(labels[train], seed)], rest[held_out], tested)


def _ranks(labels: np.ndarray) -> IntArray:
    """How many samples of the same class come before each sample."""
    by_class = np.argsort(labels, kind="stable")
    counts = np.bincount(labels)
    starts = np.repeat(np.cumsum(counts) - counts, counts)
    ranks = np.empty(len(labels), dtype=np.int64)
    ranks[by_class] = np.arange(len(labels)) - starts
    return ranks
