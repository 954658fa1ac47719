"""What a training step costs with each norm (B19)."""

from typing import Any

import pandas as pd

from bnexp.comparisons.accuracies import by_norm
from bnexp.comparisons.choices import Choices
from bnexp.comparisons.finding import Finding, Quantity
from bnexp.comparisons.measure import cell, measurements, measures, ratios, readings
from bnexp.report.labels import listed, norm_name, number
from bnexp.runs.tables import Runs

WARM_UP = 10  # steps left out: the first ones allocate memory
SAVED = "saved_for_backward_bytes"


NETS: dict[str, dict[str, Any]] = {
    "small": {"model__kind": "cnn", "model__widths": [16, 32, 64]},
    "source": {"model__kind": "cnn", "model__widths": [64, 128, 256]},
    "residual": {"model__kind": "resnet"},
}


def of_a_step(runs: Runs, choices: Choices) -> Finding:
    """B19: time of a step and memory of every norm beside the bare layer.

    On three nets: a small CNN, the source's own, and a residual one, each timed in runs that had
    the machine to themselves, the arms in an order drawn by the seed.
    """
    rows = runs.runs[runs.runs["model.norm"].notna()]
    quantities, table = {}, []
    for name, keys in NETS.items():
        net = cell(rows, **keys)
        bare = cell(net, model__norm="none")
        quantities[f"time_{name}"] = time_ratio(runs, cell(net, model__norm="batch"), bare)
        table += costs(runs, net, bare, name)
    buffers = of_layers(runs, "buffer_bytes")
    if {"batch", "none"} <= set(buffers.index):
        quantities["buffers"] = Quantity.fact(buffers["batch"] - buffers["none"], "bytes")
    found = pd.DataFrame(table)
    if len(found):
        found = found.assign(buffer_bytes=found["norm"].map(buffers))
    return Finding(_summary(found, quantities), quantities, found)


def costs(runs: Runs, rows: pd.DataFrame, bare: pd.DataFrame, net: str) -> list[dict[str, object]]:
    """A row for each norm: milliseconds a step, their ratio to the bare net's, memory."""
    table: list[dict[str, object]] = []
    for norm, arm in by_norm(rows).items():
        time, slower = Quantity(readings(step_time(runs, arm))), time_ratio(runs, arm, bare)
        table.append(
            {"net": net, "norm": norm, "n": time.n, "ms_per_step": time.centre,
             "times_bare": slower.centre, "saved_for_backward_bytes": arm[SAVED].max(),
             "saved_times_bare": arm[SAVED].max() / bare[SAVED].max() if len(bare) else None,
             "parameters": arm["parameters"].max()}
        )  # fmt: skip
    return sorted(table, key=lambda row: float(str(row["ms_per_step"])))


def step_time(runs: Runs, rows: pd.DataFrame) -> pd.Series:
    """Median milliseconds of a training step by seed, the first ten left out.

    On an accelerator it is the mean over all steps, since nothing waits for the device at each of
    them. Runs count whether they trained or not.
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
    slower = ratios(*(readings(step_time(runs, rows)) for rows in (arm, bare)))
    return Quantity(slower, "ratio", "x", timed=True)


def of_layers(runs: Runs, name: str) -> pd.Series:
    """A value of the check `buffers`, by norm."""
    rows = measurements(runs, "buffers")
    return measures(runs, rows, name).groupby("layer")["value"].first()


def _summary(table: pd.DataFrame, quantities: dict[str, Quantity]) -> str:
    words = {"small": "a small CNN", "source": "the source's CNN", "residual": "a residual net"}
    told = [
        f"{number(quantities[f'time_{net}'].centre)} times as long in {name}"
        for net, name in words.items()
        if quantities[f"time_{net}"].n
    ]
    if not told:
        return "No step was timed both with and without batch norm"
    text = f"A step with batch norm takes {listed(told)}"
    if "buffers" in quantities:
        text += f"; its running statistics are {number(quantities['buffers'].centre)} bytes"
    slowest = table[table["net"] == "small"].dropna(subset="ms_per_step")
    if len(slowest):
        last = slowest.iloc[-1]
        text += (
            f"; the slowest norm of the small CNN is {norm_name(last['norm'])}, "
            f"{number(last['times_bare'])} times"
        )
    return text
