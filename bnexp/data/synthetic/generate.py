"""Make the samples of the Gaussian classes."""

import hashlib

import numpy as np

from bnexp.data.cache import Facts
from bnexp.data.splits import Splits
from bnexp.data.synthetic import Synthetic

_DISTANCE = 4.0  # of two class means, in noise standard deviations: two classes reach 97.7 %
_CELLS = 4  # class means are constant on 4 cells along every spatial axis, as conv nets can see


class Generated:
    """The dataset: made anew whenever it is asked for."""

    def __init__(self, data: Synthetic) -> None:
        self.data = data

    def facts(self) -> Facts:  # noqa: D102
        return facts(self.data)

    def splits(self) -> Splits:  # noqa: D102
        return generate(self.data)


def facts(data: Synthetic) -> Facts:
    """Without generating the samples: `content` is of the recipe and of the class means."""
    part = data.samples // 5
    shape = tuple(data.shape)
    digest = hashlib.sha256(f"synthetic 1 {shape} {data.classes} {data.samples}".encode())
    digest.update(_means(data, np.random.default_rng(0)).tobytes())
    return Facts(shape, data.classes, data.samples, part, part, digest.hexdigest())


def generate(data: Synthetic) -> Splits:
    """float32; class k has mean m_k and unit variance; labels go round the classes in turn."""
    rng = np.random.default_rng(0)
    means = _means(data, rng)
    for axis, size in enumerate(data.shape[1:], start=2):
        means = means.take(np.arange(size) * means.shape[axis] // size, axis)
    arrays: list[np.ndarray] = []
    for samples in (data.samples, data.samples // 5, data.samples // 5):
        labels = np.arange(samples) % data.classes
        images = rng.standard_normal((samples, *data.shape), dtype=np.float32)
        for label in range(data.classes):
            images[label :: data.classes] += means[label]
        arrays += [images, labels]
    return Splits(*arrays)


def _means(data: Synthetic, rng: np.random.Generator) -> np.ndarray:
    """(classes, C, at most 4 cells an axis); two of them are `_DISTANCE` apart on average."""
    cells = [min(size, _CELLS) for size in data.shape[1:]]
    scale = _DISTANCE / np.sqrt(2 * np.prod(data.shape))
    shape = (data.classes, data.shape[0], *cells)
    return rng.standard_normal(shape, dtype=np.float32) * np.float32(scale)
