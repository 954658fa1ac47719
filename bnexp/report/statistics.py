"""Intervals, paired differences, and what to say when a target was missed.

scipy does the arithmetic. Nothing here fills in a value that was not measured.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

LEVEL = 0.95


@dataclass(frozen=True)
class Estimate:
    """A centre with its interval; `low` and `high` are NaN where n is too small for one.

    `level` is the confidence reached. It is 0.95, except for medians of fewer than six values.
    """

    n: int
    centre: float
    low: float
    high: float
    level: float = LEVEL


def mean_t(values: ArrayLike, least: float = -np.inf, greatest: float = np.inf) -> Estimate:
    """Mean with Student's t interval at 95%; no interval below two values.

    The interval is cut at the least and greatest value that the mean can have, such as 0 and 1.
    """
    x = np.asarray(values, float)
    if len(x) < 2:
        return Estimate(len(x), x.mean() if len(x) else np.nan, np.nan, np.nan)
    half = stats.t.ppf((1 + LEVEL) / 2, len(x) - 1) * stats.sem(x)
    mean = x.mean()
    return Estimate(len(x), mean, max(least, mean - half), min(greatest, mean + half))


def median_ranks(n: int) -> tuple[int, float]:
    """Rank k and coverage of the interval [x_(k), x_(n+1-k)] of the median, k from 1.

    The narrowest such interval that covers at least 95%; with fewer than six values there is
    none, and the widest one, from least to greatest, is returned with the coverage it has.
    """
    k = max(1, int(stats.binom.ppf((1 - LEVEL) / 2, n, 0.5)))
    return k, float(1 - 2 * stats.binom.cdf(k - 1, n, 0.5))


def median_order(values: ArrayLike) -> Estimate:
    """Median with the interval of order statistics; values may be infinite, not NaN."""
    x = np.sort(np.asarray(values, float))
    if len(x) < 2:
        return Estimate(len(x), x[0] if len(x) else np.nan, np.nan, np.nan)
    k, level = median_ranks(len(x))
    return Estimate(len(x), _median(x), x[k - 1], x[len(x) - k], level)


def mean_band(
    curves: NDArray[np.floating],
) -> tuple[NDArray[np.floating], NDArray[np.floating], NDArray[np.floating]]:
    """Mean, low and high of `curves` (runs, points) at each point, as `mean_t` does."""
    estimates = [mean_t(column) for column in curves.T]
    middle, low, high = np.array([(e.centre, e.low, e.high) for e in estimates]).T
    return middle, low, high


def median_band(
    curves: NDArray[np.floating],
) -> tuple[NDArray[np.floating], NDArray[np.floating], NDArray[np.floating]]:
    """Median, low and high of `curves` (runs, points) at each point, as `median_order` does."""
    x = np.sort(curves, axis=0)
    k = median_ranks(len(x))[0] if len(x) > 1 else 1
    return np.median(x, axis=0), x[k - 1], x[len(x) - k]


def _median(x: NDArray[np.floating]) -> float:
    middle = x[(len(x) - 1) // 2], x[len(x) // 2]
    return float(middle[0] if middle[0] == middle[1] else np.mean(middle))  # also of two infinities


@dataclass(frozen=True)
class Difference:
    """b minus a: mean, 95% interval, p-value and effect size.

    `paired`: by the seeds that both have, effect size Cohen's d_z (mean over the standard
    deviation of the differences); else Welch's test and Hedges' g. NaN where n is too small.
    """

    n: int
    mean: float
    low: float
    high: float
    p: float
    effect: float
    paired: bool


def difference(a: pd.Series, b: pd.Series) -> Difference:
    """Compare two arms, each a series of values indexed by seed."""
    shared = a.index.intersection(b.index)
    if len(shared) >= 2:
        d = (b[shared] - a[shared]).to_numpy(float)
        estimate, sd = mean_t(d), d.std(ddof=1)
        if sd == 0:  # the same difference in every seed: no scatter to hold it against
            p = 1.0 if d[0] == 0 else np.nan
            return Difference(len(d), d[0], d[0], d[0], p, 0.0 if d[0] == 0 else np.nan, True)
        p = float(stats.ttest_1samp(d, 0).pvalue)
        return Difference(
            len(d), estimate.centre, estimate.low, estimate.high, p, d.mean() / sd, True
        )
    x, y = a.to_numpy(float), b.to_numpy(float)
    n = min(len(x), len(y))
    if n < 2 or (x.std() == 0 and y.std() == 0):
        gap = y.mean() - x.mean() if n else np.nan
        return Difference(n, gap, np.nan, np.nan, np.nan, np.nan, False)
    test = stats.ttest_ind(y, x, equal_var=False)
    interval = test.confidence_interval(LEVEL)
    freedom = len(x) + len(y) - 2
    pooled = np.sqrt(((len(x) - 1) * x.var(ddof=1) + (len(y) - 1) * y.var(ddof=1)) / freedom)
    g = (y.mean() - x.mean()) / pooled * (1 - 3 / (4 * freedom - 1))
    return Difference(
        n, y.mean() - x.mean(), interval.low, interval.high, float(test.pvalue), g, False
    )


def holm(p: Sequence[float]) -> list[float]:
    """p-values adjusted by Holm's step-down method for their number; NaN stays and counts."""
    values = np.asarray(p, float)
    order = np.argsort(values)  # NaN last
    raised = values[order] * (len(values) - np.arange(len(values)))
    adjusted = np.full(len(values), np.nan)
    adjusted[order] = np.minimum(np.maximum.accumulate(raised), 1)
    return adjusted.tolist()


@dataclass(frozen=True)
class Reached:
    """How many of n runs reached a target, and when: a missed target took infinitely long."""

    k: int
    n: int
    when: Estimate


def first_time(
    epochs: pd.DataFrame, level: float, unit: str, column: str = "val_accuracy"
) -> pd.Series:
    """When each run first came to `level`, in `unit`, by run; left out are those that never did.

    `epochs` are evaluations. Between two of them the value is taken to follow a straight line:
    whole epochs are a coarse clock for nets that need two or three. A `column` that is a loss
    falls to the level, others rise to it.
    """
    sign = -1 if column.endswith("loss") else 1
    epochs = epochs.sort_values("step", kind="stable")
    beyond = sign * (epochs[column].astype(float) - level)
    before = beyond.groupby(epochs["run"]).shift()
    interval = epochs[unit] - epochs.groupby("run")[unit].shift()
    overshoot = (beyond / (beyond - before) * interval).where(before < 0, 0.0)
    times = (epochs[unit] - overshoot)[beyond >= 0]
    return times.groupby(epochs["run"]).first().astype(float)


def reached(times: ArrayLike) -> Reached:
    """Count the finite `times`, and their median with the missed ones as infinite."""
    x = np.asarray(times, float)
    return Reached(int(np.isfinite(x).sum()), len(x), median_order(x))


def largest_stable(trained: pd.Series) -> tuple[float, float, float] | None:
    """Largest x at which all runs trained, and its neighbours in the grid; None if there is none.

    `trained` is indexed by x (a learning rate), with the share of runs that trained. A neighbour
    beyond the grid is 0 or infinite: the grid did not bracket it.
    """
    grid = sorted(trained.index)
    stable = [x for x in grid if trained[x] == 1]
    if not stable:
        return None
    at = grid.index(stable[-1])
    below = grid[at - 1] if at else 0.0
    above = grid[at + 1] if at + 1 < len(grid) else float("inf")
    return stable[-1], below, above
