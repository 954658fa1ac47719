"""What a training step costs with each norm (B19)."""

import pandas as pd

from bnexp.comparisons.accuracies import by_norm
from bnexp.comparisons.finding import Finding, Quantity
from bnexp.comparisons.measure import cell, measurements, measures, ratio
from bnexp.report.labels import norm_name, number
from bnexp.report.statistics import mean_t
from bnexp.runs.tables import Runs

WARM_UP = 10  # steps left out: the first ones allocate memory
SAVED = "saved_for_backward_bytes"


def of_a_step(runs: Runs) -> Finding:
    """B19: time of a step and memory of every norm beside the bare layer."""
    rows = runs.runs[runs.runs["model.norm"].notna()]
    bare = cell(rows, model__norm="none")
    buffers = of_layers(runs, "buffer_bytes")
    quantities = {"time": time_ratio(runs, cell(rows, model__norm="batch"), bare)}
    if {"batch", "none"} <= set(buffers.index):
        quantities["buffers"] = Quantity.fact(buffers["batch"] - buffers["none"], "bytes")
    table = costs(runs, rows, bare).assign(buffer_bytes=lambda t: t["norm"].map(buffers))
    return Finding(_summary(table, quantities), quantities, table)


def costs(runs: Runs, rows: pd.DataFrame, bare: pd.DataFrame) -> pd.DataFrame:
    """A row for each norm: milliseconds a step, their ratio to the bare net's, memory."""
    table = []
    for norm, arm in by_norm(rows).items():
        time, slower = mean_t(step_time(runs, arm)), time_ratio(runs, arm, bare)
        low, high = slower.interval
        table.append(
            {"norm": norm, "n": time.n, "ms_per_step": time.centre,
             "times_bare": slower.centre, "low": low, "high": high,
             "saved_for_backward_bytes": arm[SAVED].max(), "saved_times_bare":
             arm[SAVED].max() / bare[SAVED].max(), "parameters": arm["parameters"].max()}
        )  # fmt: skip
    return pd.DataFrame(table).sort_values("ms_per_step", ignore_index=True)


def step_time(runs: Runs, rows: pd.DataFrame) -> pd.Series:
    """Median milliseconds of a training step by seed, the first ten left out.

    An accelerator is not waited for at every step: there it is the mean over all steps. Whether
    a run trained does not matter to its time.
    """
    if not len(rows):
        return pd.Series(dtype=float)
    steps = runs.steps[runs.steps["run"].isin(rows["run"]) & (runs.steps["step"] >= WARM_UP)]
    seconds = rows["run"].map(steps.groupby("run")["seconds"].median())
    if (rows["device"] != "cpu").any():
        seconds = rows["seconds_training"].astype(float) / rows["steps"].astype(float)
    return 1000 * seconds.groupby(rows["seed"]).median().dropna()


def time_ratio(runs: Runs, arm: pd.DataFrame, bare: pd.DataFrame) -> Quantity:
    """How many times as long a step takes as in the arm `bare`, by seed."""
    return ratio(step_time(runs, arm), step_time(runs, bare))


def of_layers(runs: Runs, name: str) -> pd.Series:
    """A value of the check `buffers`, by norm."""
    rows = measurements(runs, "buffers")
    return measures(runs, rows, name).groupby("layer")["value"].first()


def _summary(table: pd.DataFrame, quantities: dict[str, Quantity]) -> str:
    time = quantities["time"]
    words = f"A step with batch norm takes {number(time.centre)} times as long as without"
    known = table.set_index("norm")
    if "batch" in known.index:
        extra = known["saved_times_bare"]["batch"]
        words += f" and keeps {number(extra)} times the memory for its backward pass"
    if "buffers" in quantities:
        words += f"; its running statistics are {number(quantities['buffers'].centre)} bytes"
    slowest = table.dropna(subset="ms_per_step")
    if len(slowest):
        last = slowest.iloc[-1]
        words += f"; the slowest is {norm_name(last['norm'])}, {number(last['times_bare'])} times"
    return words if time.n else "No step was timed both with and without batch norm"
