"""What a judge returns: measured quantities, each with a reading by seed.

A judge measures; it never decides. The verdicts follow from the assertions of the comparison's
YAML by the rules in verdict.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import fmean, median
from typing import TYPE_CHECKING, Literal

import pandas as pd

from bnexp.comparisons.readings import Reading, Readings, exact

if TYPE_CHECKING:
    from bnexp.report.chart import Chart

Kind = Literal["ratio", "value", "fact"]


@dataclass(frozen=True)
class Quantity:
    """One measured number: its reading by judged seed.

    A `ratio` is positive and averaged on the logarithm, a `value` (a difference, an accuracy)
    as it is; a `fact` is a number that no seed changes, counted or computed exactly. A seed
    without a reading speaks for no side. `unit` follows the number, such as "x" or "points";
    `timed` marks a time by the clock, which is compared on one machine only.
    """

    readings: Readings
    kind: Kind = "value"
    unit: str = ""
    timed: bool = False

    @classmethod
    def fact(cls, value: float, unit: str = "") -> Quantity:
        """A number that no seed changes."""
        return cls({0: exact(value)}, "fact", unit)

    @property
    def n(self) -> int:
        """Seeds with a reading."""
        return len(self.readings)

    @property
    def median(self) -> Reading | None:
        """The interval that holds the median; None where nothing was measured."""
        if not self.n:
            return None
        readings = self.readings.values()
        return Reading(median(r.low for r in readings), median(r.high for r in readings))

    @property
    def centre(self) -> float:
        """The median as one number: the middle of its interval, or the end that is known."""
        found = self.median
        return math.nan if found is None else self.middle(found)

    @property
    def mean(self) -> float:
        """The mean over seeds, geometric of a ratio; NaN where a reading is a bound only."""
        middles = [self.middle(r) for r in self.readings.values() if r.bounded]
        if not middles or len(middles) < self.n:
            return math.nan
        if self.kind != "ratio":
            return fmean(middles)
        return math.exp(fmean(map(math.log, middles))) if min(middles) > 0 else 0.0

    @property
    def spread(self) -> float:
        """Standard deviation over seeds, for a ratio of its logarithm; NaN below two seeds."""
        middles = [self.middle(r) for r in self.readings.values() if r.bounded]
        if self.kind == "ratio":
            middles = [math.log(x) for x in middles if x > 0]
        if len(middles) < 2:
            return math.nan
        centre = fmean(middles)
        return math.sqrt(sum((x - centre) ** 2 for x in middles) / (len(middles) - 1))

    def middle(self, reading: Reading) -> float:
        """One number for a reading: its middle (of a ratio the geometric one), or its known end."""
        low, high = reading.low, reading.high
        if not reading.bounded:
            return low if math.isfinite(low) else high if math.isfinite(high) else math.nan
        if self.kind == "ratio" and low > 0:
            return math.sqrt(low) * math.sqrt(high)
        return (low + high) / 2


@dataclass(frozen=True)
class Finding:
    """What a comparison measured.

    `summary` is one sentence with the numbers in it, made from the data. `quantities` are named
    as in the YAML's assertions; one that could not be measured is left out. `table` holds the
    numbers behind them, tidy. `draw` makes a figure of the row's own, if it has one; the ledger
    draws every assertion besides. `notes` are sentences for the reader.
    """

    summary: str
    quantities: dict[str, Quantity]
    table: pd.DataFrame = field(default_factory=pd.DataFrame)
    draw: Callable[[], Chart] | None = None
    notes: tuple[str, ...] = ()
