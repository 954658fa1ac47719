"""Sequences of varying length: a sample keeps its first rows, and NaN marks the rest.

An image (N, C, H, W) or a sequence (N, C, T) is read along its third axis, a row after the other.
A sample of length L keeps its first L rows, and all values of the rows after it are NaN. So two
tensors still are the dataset, and a net that takes the padding for data ends in NaN at its first
step instead of learning from it. A net that reads rows asks `lengths_of(x)`, works on
`x.nan_to_num()`, and leaves the rows from each length on out of its state, its output and the
statistics of its norms. Whole samples (`data.lengths=null`) have as many rows as there are.
"""

import torch
from torch import Tensor


def lengths_of(x: Tensor) -> Tensor:
    """How many rows of every sample are data: int64 (N,), on the device of `x`; no wait for it.

    `x` is a batch (N, C, H, W) or (N, C, T).
    """
    first = x[:, 0].flatten(2)[..., 0] if x.dim() == 4 else x[:, 0]
    return first.isnan().logical_not().sum(1)


def cut(x: Tensor, lengths: Tensor) -> Tensor:
    """Set, in place, the rows of (N, C, H, W) or (N, C, T) from each sample's length on to NaN."""
    padding = torch.arange(x.shape[2], device=x.device) >= lengths[:, None]  # (N, H)
    return x.masked_fill_(padding.view(len(x), 1, -1, *[1] * (x.dim() - 3)), torch.nan)
