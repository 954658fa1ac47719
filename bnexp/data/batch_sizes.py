"""How many samples each batch of an epoch holds. Imports no torch."""

import numpy as np

from bnexp.data.dataset import Data
from bnexp.data.splits import permutation, uniform

_STREAM = 2**63  # of batch sizes; those below are of the orders of epochs


def batch_sizes(data: Data, n: int, seed: int, epoch: int) -> list[int]:
    """The sizes, in order, of the batches of an epoch over `n` samples.

    With `data.batch_sizes` every epoch has the same sizes in another order, drawn by the run's
    `seed`, so that every epoch has as many steps. The last batch drawn holds the samples that
    are left; with `drop_last` it is dropped if it is smaller than the least size.
    """
    if data.batch_sizes is None:
        low = high = data.batch_size
    else:
        low, high = data.batch_sizes
    sizes = low + np.floor(uniform(-(-n // low), seed, _STREAM) * (high - low + 1)).astype(int)
    ends = np.minimum(sizes.cumsum(), n)
    sizes = np.diff(ends, prepend=0)
    sizes = sizes[sizes >= (low if data.drop_last else 1)]
    if low < high:
        sizes = sizes[permutation(len(sizes), seed, _STREAM + 1 + epoch)]
    return [int(size) for size in sizes]


def smallest_batch(data: Data, n: int) -> int:
    """The least size that a batch over `n` samples can have, whatever the seed."""
    if data.batch_sizes is not None:
        return data.batch_sizes[0] if data.drop_last else 1
    return data.batch_size if data.drop_last else n % data.batch_size or data.batch_size
