"""Bisection on one absolute grid: where the values of a key end at which an arm still trains."""

import math
from collections.abc import Callable, Sequence
from typing import Literal

from bnexp.comparisons.readings import Reading

End = Literal["largest", "smallest"]


def grid(
    low: float, high: float, until: float, whole: bool = False, lattice: Sequence[int] = (1, 0)
) -> list[float]:
    """The powers of `until` from the last below `low` to the first above `high`.

    Whole numbers for keys such as a depth, with a lattice (a, b) only those of the form a n + b, n
    positive; rates are rounded to four digits.
    """
    step = math.log(until)
    first = math.floor(math.log(low) / step + 1e-9)
    last = math.ceil(math.log(high) / step - 1e-9)
    values = [until**j for j in range(first, last + 1)]
    if whole:
        a, b = lattice
        return sorted({float(a * max(1, round((value - b) / a)) + b) for value in values})
    return [float(f"{value:.4g}") for value in values]


def bisect(
    values: Sequence[float], passes: Callable[[float], bool | None], end: End = "largest"
) -> Reading | list[float]:
    """The reading, or the values that must be run to know more (`passes` gives None for these).

    Both ends are run. Of the largest value that passes: a failed lower end reads (0, low], a
    passed upper end [high, infinite).
    """
    low, high = 0, len(values) - 1
    first, last = passes(values[low]), passes(values[high])
    unknown = [
        value for value, found in ((values[low], first), (values[high], last)) if found is None
    ]
    if unknown:
        return list(dict.fromkeys(unknown))
    wanted_below = end == "largest"
    if first is not wanted_below:
        return Reading(0.0, values[low])
    if last is wanted_below:
        return Reading(values[high], math.inf)
    while high - low > 1:
        middle = (low + high) // 2
        found = passes(values[middle])
        if found is None:
            return [values[middle]]
        low, high = (middle, high) if found is wanted_below else (low, middle)
    return Reading(values[low], values[high])
