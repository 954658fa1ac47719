"""What one seed says of a quantity: an interval, as wide as what is not known.

A number measured exactly is an interval of no width; a target missed within a budget lies anywhere
from the budget on; a time read between two evaluations lies between them. Nothing is filled in.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reading:
    """The interval [low, high] in which the true value lies; its ends may be infinite."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low <= self.high:  # also of NaN
            raise ValueError(f"a reading needs low <= high, not [{self.low}, {self.high}]")

    def above(self, line: float) -> bool:
        """Whether the value is above the line, wherever in the interval it lies."""
        return self.low > line

    def below(self, line: float) -> bool:
        """Whether the value is below the line, wherever in the interval it lies."""
        return self.high < line

    @property
    def bounded(self) -> bool:
        """Whether both ends are numbers."""
        return math.isfinite(self.low) and math.isfinite(self.high)


Readings = Mapping[int, Reading]  # by seed

SILENT = Reading(-math.inf, math.inf)  # of a seed that could not be measured


def exact(value: float) -> Reading:
    """A number that was measured."""
    return Reading(float(value), float(value))


def ratio(a: Reading, b: Reading) -> Reading:
    """a / b of positive values; both censored, it is anything from 0 on."""
    return Reading(_divided(a.low, b.high, 0.0), _divided(a.high, b.low, math.inf))


def product(a: Reading, b: Reading) -> Reading:
    """a b of positive values."""
    low, high = a.low * b.low, a.high * b.high
    return Reading(0.0 if math.isnan(low) else low, math.inf if math.isnan(high) else high)


def difference(a: Reading, b: Reading) -> Reading:
    """a - b; an end that is the difference of two infinities is unknown, so infinite."""
    low, high = a.low - b.high, a.high - b.low
    return Reading(-math.inf if math.isnan(low) else low, math.inf if math.isnan(high) else high)


def _divided(a: float, b: float, unknown: float) -> float:
    if b == 0:
        return math.inf if a > 0 else unknown
    return unknown if math.isinf(a) and math.isinf(b) else a / b


def seed_by_seed(
    operation: Callable[[Reading, Reading], Reading], a: Readings, b: Readings
) -> Readings:
    """An operation on two arms' readings, for every seed that both have."""
    return {seed: operation(a[seed], b[seed]) for seed in sorted(a.keys() & b.keys())}
