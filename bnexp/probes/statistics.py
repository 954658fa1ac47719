"""Statistics of activations, computed where they lie and without waiting for the device.

Every result is a tensor. Values that are not finite make some of the results NaN, never an error.
"""

import math

import numpy as np
import torch
from torch import Tensor, nn

PERCENTILES = (0.15, 0.50, 0.85)
SAMPLE = 65_536  # percentiles are exact up to this many values
BINS = 64
RECTIFIERS = (nn.ReLU, nn.ReLU6)


def pooled(calls: list[Tensor]) -> Tensor:
    """Return the values of all calls of a layer as one flat tensor, in single precision."""
    flat = torch.cat([call.flatten() for call in calls]) if len(calls) > 1 else calls[0].flatten()
    return flat.to(torch.promote_types(flat.dtype, torch.float32))


def moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and population standard deviation."""
    mean = x.mean()
    return mean, (x - mean).square_().mean().sqrt()


def percentiles(x: Tensor) -> list[Tensor]:
    """The 15th, 50th and 85th percentile, linearly interpolated.

    Of more than 65,536 values every k-th is taken. k shares no factor with the number of values,
    so that the sample runs through all channels, rows and columns.
    """
    k = math.ceil(x.numel() / SAMPLE)
    while math.gcd(k, x.numel()) > 1:
        k += 1
    x = _sorted(x[::k])
    places = [p * (x.numel() - 1) for p in PERCENTILES]
    return [torch.lerp(x[math.floor(at)], x[math.ceil(at)], at % 1) for at in places]


def histogram(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Least value, greatest value, and the counts in 64 equal bins between them.

    The greatest value belongs to the last bin; equal values all go to the first.
    """
    low, high = torch.aminmax(x)
    bins = (x - low).mul_(BINS / (high - low)).nan_to_num_(0).clamp_(0, BINS - 1)
    if x.is_cpu:  # elsewhere bincount waits for the device
        return low, high, torch.bincount(bins.to(torch.uint8), minlength=BINS)
    one = torch.ones((), dtype=torch.long, device=x.device)
    return low, high, one.new_zeros(BINS).scatter_add_(0, bins.long(), one.expand_as(bins))


def dead_fraction(calls: list[Tensor], unit_axis: int, activation: nn.Module) -> Tensor | None:
    """Share of a rectifier's units that are 0 for every sample, place and call; else None."""
    if not isinstance(activation, RECTIFIERS):
        return None
    peaks = []
    for call in calls:
        unit = (unit_axis if call.dim() >= -unit_axis else -1) % call.dim()
        peaks.append(call.amax([axis for axis in range(call.dim()) if axis != unit]))
    return (torch.stack(peaks).amax(0) <= 0).float().mean()


def saturated_fraction(x: Tensor, activation: nn.Module) -> Tensor | None:
    """Share of values within 0.01 of a bound of tanh or sigmoid; else None."""
    if not isinstance(activation, nn.Tanh | nn.Sigmoid):
        return None
    low = -1 if isinstance(activation, nn.Tanh) else 0
    return ((x < low + 0.01) | (x > 0.99)).sum() / x.numel()


def _sorted(x: Tensor) -> Tensor:
    if x.is_cpu:  # NumPy's vector sort takes a twentieth of the time of torch's
        return torch.from_numpy(np.sort(x.numpy()))
    return x.sort().values
