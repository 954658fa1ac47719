"""What is asked of runs, each question once: figures, tables and judges all ask here.

Intervals, differences paired by seed, the best and the largest stable rate, when a target was
reached. scipy does the arithmetic. Nothing fills in a value that was not measured. Tables of runs
are those of `bnexp.load_runs`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

LEVEL = 0.95
STABLE = 0.05  # validation accuracy that a stable run may lack beside the arm's best rate


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


def seeds(runs: pd.DataFrame) -> pd.Index:
    """What pairs a run with the runs of other arms: its seed, and the seed of its split if any."""
    split = runs.get("data.split_seed")
    shared: pd.Index = pd.Index(runs["seed"])
    if split is not None and not split.isna().all():
        pairs = zip(runs["seed"], split.fillna(-1), strict=True)
        shared = pd.Index([*pairs], tupleize_cols=False)
    return shared


def by_seed(runs: pd.DataFrame, column: str) -> pd.Series:
    """A column of one arm's trained runs, indexed by `seeds`; what is missing is left out.

    Raises ValueError where a seed has two runs: `runs` must be one arm.
    """
    if column not in runs:
        return pd.Series(dtype=float)
    of_trained = (runs["outcome"] == "trained").to_numpy()
    values = pd.to_numeric(runs[column], errors="coerce").to_numpy(float)[of_trained]
    found = pd.Series(values, index=seeds(runs)[of_trained]).dropna().sort_index()
    if found.index.has_duplicates:
        raise ValueError(f"{column}: more than one run for a seed; `runs` must be one arm")
    return found


def arm_accuracy(runs: pd.DataFrame, column: str = "test_accuracy") -> Estimate:
    """Mean accuracy of an arm's trained runs with its 95% t interval, as fractions."""
    if column not in runs:
        return mean_t([])
    values = pd.to_numeric(runs[column], errors="coerce").to_numpy(float)
    values = values[(runs["outcome"] == "trained").to_numpy()]
    return mean_t(values[~np.isnan(values)], 0, 1)


def paired_difference(arm: pd.Series, control: pd.Series) -> pd.Series:
    """`arm` minus `control`, both indexed by seed, at the seeds that both have."""
    shared = arm.index.intersection(control.index)
    return (arm[shared] - control[shared]).astype(float).round(9)  # less the noise of fp32


@dataclass(frozen=True)
class Contrast:
    """An arm minus the control: the mean over n seeds with its 95% t interval.

    `k` seeds have the sign of the mean, all that are 0 where the mean is.
    """

    n: int
    k: int
    mean: float
    low: float
    high: float

    @property
    def seeds(self) -> str:
        """ "4 of 5 seeds"; nothing where no seed is shared."""
        return f"{self.k} of {self.n} seed{'' if self.n == 1 else 's'}" if self.n else ""


def contrast(arm: pd.Series, control: pd.Series) -> Contrast:
    """Sum up the paired difference of two arms, each indexed by seed."""
    values = paired_difference(arm, control)
    found = mean_t(values)
    k = int((np.sign(values) == np.sign(found.centre)).sum())
    return Contrast(found.n, k, found.centre, found.low, found.high)


def time_brackets(
    epochs: pd.DataFrame, level: float, unit: str, column: str = "val_accuracy"
) -> pd.DataFrame:
    """Between which evaluations each run first came to `level`, in `unit`: low and high by run.

    `high` is the first evaluation at the level or beyond, `low` the one before it (0 where there
    is none). Runs that never came there are left out, and so are evaluations that did not score
    the column. A `column` that is a loss falls to the level, others rise to it.
    """
    sign = -1 if column.endswith("loss") else 1
    epochs = epochs.dropna(subset=column).sort_values("step", kind="stable")
    before = epochs.groupby("run")[unit].shift(fill_value=0)
    there = sign * (epochs[column].astype(float) - level) >= 0
    found = pd.DataFrame({"run": epochs["run"], "low": before, "high": epochs[unit]})[there]
    return found.groupby("run").first().astype(float)


@dataclass(frozen=True)
class Reached:
    """How many of n runs reached a target, and between which evaluations half of them had.

    A missed target took infinitely long: `high` may be infinite, and then `low` too.
    """

    k: int
    n: int
    low: float
    high: float


def reached(brackets: pd.DataFrame, runs: Sequence[str]) -> Reached:
    """When half of `runs` had reached the target, from `time_brackets`."""
    found = brackets.reindex(list(runs))
    low, high = (np.sort(found[side].fillna(np.inf)) for side in ("low", "high"))
    half = (len(runs) - 1) // 2  # from there on at least half of them
    k = int(np.isfinite(high).sum())
    if half < 0 or not np.isfinite(high[half]):
        return Reached(k, len(runs), np.inf, np.inf)
    return Reached(k, len(runs), float(low[half]), float(high[half]))


@dataclass(frozen=True)
class Best:
    """The best value of a tuned key: the value, its mean validation accuracy, and its plateau.

    `edge` is "low" or "high" where the plateau ends at that end of the grid, so that a value
    beyond may be better.
    """

    value: float
    accuracy: float
    plateau: tuple[float, ...]
    edge: Literal["", "low", "high"]


def best_rate(
    runs: pd.DataFrame, key: str = "optimizer.lr", *, plateau: bool = False
) -> Best | None:
    """The value of `key` with the highest mean validation accuracy; None where no run trained.

    `runs` are one arm at several values. A run counts with the accuracy it ended at, a diverged
    one with 0. Values with fewer seeds than most others are passed over, so that one lucky run
    decides nothing. Of equals the smaller wins. With `plateau`, neighbours within one standard
    error of the best are as good, and the middle one is taken. The test split is not looked at.
    """
    if not (runs["outcome"] == "trained").any():
        return None
    accuracy = ended_at(runs).groupby(runs[key].to_numpy())
    seeds = runs["seed"].groupby(runs[key].to_numpy()).nunique()
    means, errors = accuracy.mean(), accuracy.sem().fillna(0.0)
    means = means[seeds >= seeds.median()].sort_index()
    at = int(np.argmax(means))
    within = errors[means.index[at]]
    first, last = level_around(means.to_list(), at, within) if plateau else (at, at)
    value = float(means.index[(first + last) // 2])
    edge: Literal["", "low", "high"] = (
        "high" if last == len(means) - 1 else "low" if first == 0 else ""
    )
    return Best(value, float(means[value]), tuple(map(float, means.index[first : last + 1])), edge)


def level_around(means: Sequence[float], best: int, within: float) -> tuple[int, int]:
    """The ends of the stretch around the best in which no value is worse by more than `within`."""
    first = last = best
    while first > 0 and means[first - 1] >= means[best] - within:
        first -= 1
    while last + 1 < len(means) and means[last + 1] >= means[best] - within:
        last += 1
    return first, last


def at_best(runs: pd.DataFrame, key: str = "optimizer.lr") -> pd.DataFrame:
    """The runs of one arm at its best value of `key`; empty where no run trained."""
    best = best_rate(runs, key)
    return runs.iloc[:0] if best is None else runs[runs[key] == best.value]


def ended_at(runs: pd.DataFrame, column: str = "val_accuracy") -> pd.Series:
    """The accuracy that every run ended at, by row; 0 for a diverged one."""
    values = pd.to_numeric(runs[column], errors="coerce")
    return values.where(runs["outcome"] != "diverged", 0.0).fillna(0.0)


def is_stable(runs: pd.DataFrame, best: float) -> pd.Series:
    """Whether each run ended within 5 points of `best`, the validation accuracy at the best rate.

    A finite loss is not enough: without batch norm a run often ends near chance with one.
    """
    return (ended_at(runs) >= best - STABLE) & (runs["outcome"] != "diverged")


def stable_rates(
    runs: pd.DataFrame, key: str = "optimizer.lr", *, best: float | None = None
) -> pd.DataFrame:
    """The largest stable value of `key` by seed: `low` was stable, `high`, the next tried, not.

    `runs` are one arm; `best` is as in `is_stable`, by default that of `best_rate` on `runs`.
    Counted from the first stable value upwards: what fails below it only learns too slowly, and
    what is stable above a failure does not count. `high` is infinite where the grid ends stable;
    where nothing is stable, `low` is 0 and `high` the smallest value.
    """
    if best is None:
        found = best_rate(runs, key)
        best = np.inf if found is None else found.accuracy
    rows = runs.assign(stable=is_stable(runs, best)).sort_values(key)
    brackets = {}
    for seed, part in rows.groupby("seed"):
        values, good = part[key].to_numpy(float), part["stable"].to_numpy(bool)
        first = int(good.argmax())
        count = first + int(np.argmin(np.append(good[first:], False)))  # up to the first failure
        if not good.any():
            brackets[seed] = (0.0, values[0])
        else:
            above = values[count] if count < len(values) else np.inf
            brackets[seed] = (values[count - 1], above)
    return pd.DataFrame.from_dict(brackets, orient="index", columns=["low", "high"], dtype=float)


def bracket_ratio(a: pd.DataFrame, b: pd.DataFrame) -> pd.DataFrame:
    """a / b for the seeds that both have: from a.low / b.high to a.high / b.low."""
    shared = a.index.intersection(b.index)
    a, b = a.loc[shared], b.loc[shared]
    with np.errstate(divide="ignore", invalid="ignore"):
        low = (a["low"] / b["high"]).fillna(0.0)
        high = (a["high"] / b["low"]).fillna(np.inf)
    return pd.DataFrame({"low": low, "high": high})


def half_of(brackets: pd.DataFrame) -> tuple[float, float]:
    """The largest (low, high) that half of the seeds reach, or exceed; NaN where there are none."""
    if brackets.empty:
        return np.nan, np.nan
    at = (len(brackets) - 1) // 2
    low, high = (np.sort(brackets[side])[::-1] for side in ("low", "high"))
    return float(low[at]), float(high[at])


def step_seconds(runs: pd.DataFrame) -> pd.Series:
    """Seconds of a training step of each run, by row: evaluation and probing apart."""
    return pd.to_numeric(runs["seconds_training"]) / pd.to_numeric(runs["steps"])
