"""What judges and pilots share: cells of a table of runs, and readings by seed.

Nothing here fills in what was not measured. A reading of a seed follows from the runs of that seed
and from what pilots chose, never from other judged seeds.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from bnexp.comparisons.readings import Reading, Readings, difference, exact, ratio, seed_by_seed
from bnexp.comparisons.search import bisect, grid
from bnexp.report.labels import canonical
from bnexp.report.statistics import time_brackets
from bnexp.runs.tables import Runs

if TYPE_CHECKING:
    from bnexp.comparisons.choices import Choices, Chosen

Unit = Literal["epoch", "step", "seconds_training"]

# ------------------------------------------------------------------------------------------ cells


def cell(rows: pd.DataFrame, **keys: Any) -> pd.DataFrame:
    """The rows of `runs.runs` with these values; `optimizer__lr=0.1` is the key optimizer.lr.

    None is the value of a key that a row does not have.
    """
    for key, value in keys.items():
        column = rows.get(key.replace("__", "."), [None] * len(rows))
        wanted = canonical(value)
        rows = rows[np.array([canonical(found) == wanted for found in column], dtype=bool)]
    return rows


def by_group(
    rows: pd.DataFrame, keys: Sequence[str]
) -> Iterator[tuple[dict[str, Any], pd.DataFrame]]:
    """The rows of every combination of values of these keys, in the order in which they come."""
    names = pd.Series(
        [canonical([_plain(value) for value in row]) for row in _columns(rows, keys)],
        index=rows.index,
        dtype=object,
    )
    for name in dict.fromkeys(names):
        yield dict(zip(keys, json.loads(name), strict=True)), rows[names == name]


def _columns(rows: pd.DataFrame, keys: Sequence[str]) -> list[tuple[Any, ...]]:
    columns = [rows[key] if key in rows else [None] * len(rows) for key in keys]
    return list(zip(*columns, strict=True)) if keys else [()] * len(rows)


def _plain(value: Any) -> Any:
    return json.loads(canonical(value))


def trained(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows that enter averages of tables."""
    return rows[rows["outcome"] == "trained"]


def refused(rows: pd.DataFrame) -> pd.DataFrame:
    """Cells that could not run; `reason` says why."""
    return rows[rows["outcome"] == "refused"]


# --------------------------------------------------------------------------------------- readings


def readings(values: Mapping[Any, float] | pd.Series) -> Readings:
    """Numbers by seed, measured exactly; NaN is no reading."""
    values = dict(values.items())
    pairs = dict(zip(map(int, values.keys()), map(float, values.values()), strict=True))
    return {seed: exact(pairs[seed]) for seed in sorted(pairs) if not math.isnan(pairs[seed])}


def column(rows: pd.DataFrame, name: str) -> pd.Series:
    """A column of one arm's runs by seed, NaN where a run has none."""
    values = pd.to_numeric(rows[name], errors="coerce") if name in rows else np.nan
    found = pd.Series(values, index=rows.index, dtype=float).set_axis(rows["seed"].astype(int))
    if found.index.duplicated().any():
        raise ValueError(f"{name}: more than one run for a seed; `rows` must be one arm")
    return found.sort_index()


def accuracies(rows: pd.DataFrame, name: str = "test_accuracy") -> Readings:
    """Accuracy of one arm's runs by seed, in percent.

    A run at chance level counts as it is; one that diverged reads anything from 0 to 100; a refused
    cell has no reading.
    """
    rows = rows[rows["outcome"] != "refused"]
    found = dict(readings((100 * column(rows, name)).round(5)))
    diverged = rows.loc[rows["outcome"] == "diverged", "seed"].astype(int)
    return found | dict.fromkeys(diverged, Reading(0.0, 100.0))


def differences(a: Readings, b: Readings) -> Readings:
    """a - b by seed; to nine digits, as accuracies are shares of a few hundred images."""
    found = seed_by_seed(difference, a, b)
    return {seed: Reading(round(r.low, 9), round(r.high, 9)) for seed, r in found.items()}


def ratios(a: Readings, b: Readings) -> Readings:
    """a / b by seed."""
    return seed_by_seed(ratio, a, b)


def times_to(
    runs: Runs,
    rows: pd.DataFrame,
    level: float,
    unit: Unit = "epoch",
    name: str = "val_accuracy",
) -> Readings:
    """When each run of one arm first came to `level`, by seed: between which two evaluations.

    For a run that missed the target, or diverged, it is anything from the budget on. A loss falls
    to its level, anything else rises to it.
    """
    rows = rows[rows["outcome"] != "refused"]
    times = times_by_run(runs, rows, level, unit, name)
    found = {seed: times[run] for run, seed in zip(rows["run"], rows["seed"], strict=True)}
    if len(found) < len(rows):
        raise ValueError("more than one run for a seed; `rows` must be one arm")
    return {int(seed): found[seed] for seed in sorted(found)}


def times_by_run(
    runs: Runs,
    rows: pd.DataFrame,
    level: float,
    unit: Unit = "epoch",
    name: str = "val_accuracy",
) -> dict[str, Reading]:
    """As `times_to`, by run."""
    epochs = runs.epochs[runs.epochs["run"].isin(rows["run"])]
    curves, reached = dict(tuple(epochs.groupby("run"))), time_brackets(epochs, level, unit, name)
    found = {}
    for _, run in rows.iterrows():
        curve = curves.get(run["run"])
        if curve is None:
            found[run["run"]] = Reading(0.0, math.inf)
            continue
        curve = curve.sort_values("step", kind="stable")
        if run["outcome"] == "diverged" or run["run"] not in reached.index:
            last = float(curve[unit].iloc[-1])
            found[run["run"]] = Reading(_budget(run, curve, last), math.inf)
        else:
            found[run["run"]] = Reading(*reached.loc[run["run"], ["low", "high"]])
    return found


def _budget(run: pd.Series, curve: pd.DataFrame, last: float) -> float:
    """What the clock would show at the end of the run; that of a diverged run is extrapolated."""
    epoch = float(curve["epoch"].iloc[-1])
    planned = run.get("training.epochs")
    if run["outcome"] != "diverged" or planned is None or pd.isna(planned):
        return last
    cap, step = run.get("training.max_steps"), float(curve["step"].iloc[-1])
    if cap is not None and not pd.isna(cap) and step > 0:
        planned = min(float(planned), float(cap) * epoch / step)
    return last * float(planned) / epoch if epoch > 0 else 0.0


def best_accuracies(runs: Runs, rows: pd.DataFrame) -> Readings:
    """Test accuracy at the evaluation with the best validation accuracy, in percent by seed."""
    epochs = runs.epochs[runs.epochs["run"].isin(rows["run"])].reset_index(drop=True)
    epochs = epochs[epochs["val_accuracy"].notna()]
    top = epochs.loc[epochs.groupby("run")["val_accuracy"].idxmax()].set_index("run")
    return accuracies(rows.assign(best=rows["run"].map(top["test_accuracy"])), "best")


def searched(rows: pd.DataFrame, choices: "Choices", name: str, **keys: Any) -> Readings:
    """Where the search `name` ends for the arm of these keys, by seed.

    Seeds whose search has not come to its end have no reading.
    """
    found = choices.only("bracket", name, **keys)
    values = values_of(found)
    ends = {}
    rows = cell(rows, **keys)
    for seed in sorted(set(rows["seed"].astype(int))):
        passed = passes_by_value(rows[rows["seed"] == seed], found.key, found.score)
        end = bisect(values, passed.get, found.value["end"])
        if isinstance(end, Reading):
            ends[seed] = end
    return ends


def values_of(bracket: "Chosen") -> list[float]:
    """The values that a search from this bracket goes through."""
    how = bracket.value
    lattice = how.get("lattice") or (1, 0)
    return grid(bracket.low, bracket.high, how["until"], how["whole"], lattice)


def passes_by_value(arm: pd.DataFrame, key: str, score: float) -> dict[float, bool]:
    """Whether each run of one seed passes, by the value of `key`."""
    return {float(row[key]): passes(row, score) for row in arm.to_dict("records")}


def passes(run: Mapping[Any, Any], score: float) -> bool:
    """Whether a run ended with the validation accuracy `score`, or better."""
    accuracy = run.get("val_accuracy")
    if accuracy is None or pd.isna(accuracy) or run["outcome"] == "diverged":
        return False
    return bool(accuracy >= score)


# ---------------------------------------------------------------------------------------- measures


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
