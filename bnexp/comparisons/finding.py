"""What a judge returns: measured quantities, each with its scatter over seeds.

A judge measures; it never decides. The verdicts follow from the assertions of the comparison's
YAML by the rules in verdict.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from scipy import stats

from bnexp.report.statistics import LEVEL, mean_t

if TYPE_CHECKING:
    from bnexp.report.chart import Chart

SAME = 1e-12  # a smaller standard deviation is the computer's rounding

Kind = Literal["ratio", "value", "share", "fact"]


@dataclass(frozen=True)
class Quantity:
    """One measured number: a value for each seed, and what they are.

    `kind` says how they are summarised. A `ratio` is positive and summarised by its geometric
    mean with Student's t interval on the logarithm; a `value` (a difference, an accuracy) by its
    mean with the t interval; a `share` consists of zeros and ones, with the exact binomial
    interval; a `fact` has no scatter: one number, counted or computed exactly.

    `grid` is the factor between neighbours where a ratio was read off a grid of that spacing; it
    widens the interval on both sides. `bound` says that some values are only bounds, because a
    target was missed within the budget: `least` where the true value is at least the one given,
    `most` where it is at most that. `unit` follows the number, such as "x" or "points".
    """

    values: pd.Series
    kind: Kind = "value"
    unit: str = ""
    grid: float = 1.0
    bound: Literal["", "least", "most"] = ""

    def __post_init__(self) -> None:
        values = pd.Series(self.values, dtype=float).dropna()
        if self.kind == "ratio":
            values = values[(values > 0) & np.isfinite(values)]
        object.__setattr__(self, "values", values)

    @classmethod
    def fact(cls, value: float, unit: str = "") -> Quantity:
        """A number without scatter."""
        return cls(pd.Series([float(value)]), "fact", unit)

    @property
    def n(self) -> int:
        """How many seeds it was measured over."""
        return len(self.values)

    @property
    def centre(self) -> float:
        """The estimate; NaN where nothing was measured."""
        if not self.n:
            return np.nan
        if self.kind == "ratio":
            return float(np.exp(np.log(self.values).mean()))
        return float(self.values.mean())

    @property
    def interval(self) -> tuple[float, float]:
        """The 95% interval, `grid` included; NaN below two seeds, the number itself for a fact."""
        if self.kind == "fact":
            return self.centre, self.centre
        if self.n < 2:
            return np.nan, np.nan
        if self.kind == "share":
            test = stats.binomtest(int(self.values.sum()), self.n)
            found = test.proportion_ci(LEVEL)
            return float(found.low), float(found.high)
        if self.kind == "ratio":
            found_log = mean_t(np.log(self.values))
            return (
                float(np.exp(found_log.low) / self.grid),
                float(np.exp(found_log.high) * self.grid),
            )
        found_mean = mean_t(self.values)
        return float(found_mean.low), float(found_mean.high)

    def p_against(self, line: float) -> float:
        """Two-sided p-value of the hypothesis that the true value is `line`.

        NaN below two seeds. The grid's width is taken off the distance first. Values that are the
        same in every seed, as those read off a grid can be, have no scatter for a t-test: that they
        all lie on one side has the p-value of the sign test, 2 / 2^n.
        """
        if self.n < 2 or self.kind == "fact":
            return np.nan
        if self.kind == "share":
            return float(stats.binomtest(int(self.values.sum()), self.n, line).pvalue)
        distances = self._distances(line)
        mean = distances.mean()
        slack = np.log(self.grid) if self.kind == "ratio" else 0.0
        if abs(mean) <= slack:
            return 1.0
        sd = distances.std(ddof=1)
        if sd < SAME:
            return float(2 * 0.5**self.n)
        t = (abs(mean) - slack) / (sd / np.sqrt(self.n))
        return float(2 * stats.t.sf(t, self.n - 1))

    def effect(self, line: float) -> float:
        """Distance of the centre from `line` in standard deviations over seeds (Cohen's d_z)."""
        if self.n < 2 or self.kind in ("fact", "share"):
            return np.nan
        distances = self._distances(line)
        sd = distances.std(ddof=1)
        return float(distances.mean() / sd) if sd >= SAME else np.inf

    def _distances(self, line: float) -> np.ndarray:
        if self.kind == "ratio":
            return np.asarray(np.log(self.values) - np.log(line))
        return np.asarray(self.values - line)


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
