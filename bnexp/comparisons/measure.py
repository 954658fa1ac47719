"""What judges share: cells of a sweep, the best learning rate, when a target was reached.

Everything here reads the tables of runs. Nothing fills in what was not measured: diverged and
untrained runs have no accuracy, a missed target took infinitely long.
"""

from typing import Any, Literal

import numpy as np
import pandas as pd

from bnexp.comparisons.datasets import ledger_config
from bnexp.comparisons.finding import Quantity
from bnexp.report.labels import canonical
from bnexp.report.statistics import first_time
from bnexp.runs.tables import Runs

Unit = Literal["epoch", "step", "seconds_training"]


def cell(rows: pd.DataFrame, **keys: Any) -> pd.DataFrame:
    """The rows of `runs.runs` with these values; `optimizer__lr=0.1` is the key optimizer.lr."""
    for key, value in keys.items():
        column = rows.get(key.replace("__", "."))
        if column is None:
            return rows.iloc[:0]
        wanted = canonical(value)
        rows = rows[np.array([canonical(found) == wanted for found in column], dtype=bool)]
    return rows


def trained(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows that enter averages."""
    return rows[rows["outcome"] == "trained"]


def by_seed(rows: pd.DataFrame, column: str) -> pd.Series:
    """A column of the runs that trained, indexed by seed. `rows` must be one arm."""
    rows = trained(rows)
    values = pd.to_numeric(rows[column], errors="coerce") if column in rows else pd.Series()
    found = pd.Series(values.to_numpy(float), index=rows["seed"].to_numpy()).dropna()
    if found.index.duplicated().any():
        raise ValueError(f"{column}: more than one run for a seed; `rows` must be one arm")
    return found.sort_index()


def best(rows: pd.DataFrame, key: str = "optimizer.lr") -> pd.DataFrame:
    """The runs at the value of `key` with the highest median validation accuracy.

    Runs that diverged or did not train rank below all others; of equals the smaller value wins.
    The test split is not looked at. Empty where no run trained.
    """
    if not len(trained(rows)):
        return rows.iloc[:0]
    accuracy = pd.to_numeric(rows["val_accuracy"]).where(rows["outcome"] == "trained", -1.0)
    medians = accuracy.groupby(rows[key].to_numpy()).median()
    return rows[rows[key] == medians.idxmax()]


def reached(runs: Runs, rows: pd.DataFrame, target: float, unit: Unit = "epoch") -> pd.Series:
    """When each run first had the validation accuracy `target`, by seed; infinite where never."""
    return came_to(runs, rows, target, unit, "val_accuracy")


def came_to(runs: Runs, rows: pd.DataFrame, level: float, unit: Unit, column: str) -> pd.Series:
    """When `column` of each run first came to `level`, by seed; infinite where never.

    Read off straight lines between evaluations. A diverged run never does, whatever it had before.
    """
    first = first_time(runs.epochs[runs.epochs["run"].isin(rows["run"])], level, unit, column)
    times = rows["run"].map(first).where(rows["outcome"] != "diverged").fillna(np.inf)
    return pd.Series(times.to_numpy(float), index=rows["seed"].to_numpy()).sort_index()


def ratio(a: pd.Series, b: pd.Series, unit: str = "x", grid: float = 1.0) -> Quantity:
    """a / b by seed, as a quantity."""
    shared = a.index.intersection(b.index)
    return Quantity(a[shared] / b[shared], "ratio", unit, grid)


def speedup(slow: pd.Series, fast: pd.Series, budget: float) -> Quantity:
    """How many times sooner `fast` reached a target than `slow`, by seed; both from `reached`.

    Where one of the two missed it within `budget`, the budget stands in for its time and the
    ratio is only a bound; seeds where both missed it say nothing and are left out.
    """
    shared = slow.index.intersection(fast.index)
    a, b = slow[shared], fast[shared]
    either = np.isfinite(a) | np.isfinite(b)
    a, b = a[either], b[either]
    missed_slow, missed_fast = ~np.isfinite(a), ~np.isfinite(b)
    values = a.where(~missed_slow, budget) / b.where(~missed_fast, budget)
    if missed_slow.any() and missed_fast.any():  # bounds on either side: nothing can be said
        return Quantity(values[~missed_slow & ~missed_fast], "ratio", "x")
    bound: Literal["", "least", "most"] = "least" if missed_slow.any() else ""
    return Quantity(values, "ratio", "x", bound="most" if missed_fast.any() else bound)


def difference(a: pd.Series, b: pd.Series, unit: str = "points", scale: float = 100) -> Quantity:
    """a - b by seed; accuracies come out in percentage points."""
    shared = a.index.intersection(b.index)
    exact = (scale * (a[shared] - b[shared])).round(5)  # accuracies are in single precision
    return Quantity(exact, "value", unit)


def refused(rows: pd.DataFrame) -> pd.DataFrame:
    """Cells that could not run; `reason` says why."""
    return rows[rows["outcome"] == "refused"]


def measures(runs: Runs, rows: pd.DataFrame, name: str) -> pd.DataFrame:
    """The rows (run, step, layer, value, seed) of the table `measures` with this name."""
    table = runs.measures
    found = table[(table["name"] == name) & table["run"].isin(rows["run"])]
    return found.assign(seed=found["run"].map(rows.set_index("run")["seed"]))


def measurements(runs: Runs, name: str, **options: Any) -> pd.DataFrame:
    """The rows of `runs.runs` that are those of the measurement `name` with these options."""
    rows = runs.runs
    if "check.name" not in rows:
        return rows.iloc[:0]
    keys = {f"check.options.{key}": value for key, value in options.items()}
    return cell(rows[rows["check.name"] == name], **keys)


def target(runs: Runs) -> float:
    """The validation accuracy to reach on the dataset of these runs, from conf/reproduce.yaml."""
    names = runs.runs["data.name"].dropna().unique()
    return float(ledger_config()["datasets"][str(names[0])]["target"])
