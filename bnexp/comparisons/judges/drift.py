"""How far the inputs of layers drift in training, with batch norm and without (B1)."""

from typing import Any

import numpy as np
import pandas as pd

from bnexp.comparisons.accuracies import lost
from bnexp.comparisons.choices import Choices
from bnexp.comparisons.finding import Finding, Quantity
from bnexp.comparisons.measure import cell, measures, ratios, readings
from bnexp.report.labels import number
from bnexp.runs.tables import Runs

ARMS: dict[str, dict[str, Any]] = {
    "none": {"model__norm": "none"},
    "before": {"model__norm": "batch", "model__placement": "before"},
    "after": {"model__norm": "batch", "model__placement": "after"},
}
FIRST, LATER = 1, 100  # the source's iterations


def inputs(runs: Runs, choices: Choices) -> Finding:
    """B1: mean and std of what layer 2 receives at steps 1 and 100, and the shift of gradients.

    Drift is sqrt(change of mean^2 + change of std^2), in units of the std at the first step,
    averaged over layers 2 and up; gradient shift is 1 - cos(G, G'), averaged over the same layers
    and over all recorded steps.
    """
    arms = {name: alive(cell(runs.runs, **keys)) for name, keys in ARMS.items()}
    table = pd.concat(
        [received(runs, rows).assign(arm=name) for name, rows in arms.items()], ignore_index=True
    )
    seen = {name: table[(table["arm"] == name) & (table["index"] == 2)] for name in arms}
    first = {name: _at(rows, FIRST) for name, rows in seen.items()}
    later = {name: _at(rows, LATER) for name, rows in seen.items()}
    drifts = {name: drift(table[table["arm"] == name]) for name in arms}
    shifts = {name: gradient_shift(runs, rows) for name, rows in arms.items()}
    quantities = {
        "std_growth": over(later["none"]["std"], first["none"]["std"]),
        "mean_growth": over(later["none"]["mean"], first["none"]["mean"]),
        "batch_std": Quantity(readings(later["after"]["std"])),
        "drift": over(drifts["none"], drifts["before"]),
        "gradient_shift": over(shifts["none"], shifts["before"]),
    }
    shown = table.groupby(["arm", "index", "step"], sort=False)[["mean", "std"]].mean()
    return Finding(
        _summary(first["none"], later["none"], later["after"], quantities["gradient_shift"]),
        quantities,
        shown.reset_index().rename(columns={"index": "layer"}),
        notes=(*lost(runs.runs), *_notes(drifts, shifts)),
    )


def alive(rows: pd.DataFrame) -> pd.DataFrame:
    """The runs that did not diverge."""
    return rows[rows["outcome"] != "diverged"]


def over(a: pd.Series, b: pd.Series) -> Quantity:
    """a / b by seed."""
    return Quantity(ratios(readings(a), readings(b)), "ratio", "x")


def received(runs: Runs, rows: pd.DataFrame) -> pd.DataFrame:
    """Mean and std of the inputs of layers 2 and up by seed, step and layer."""
    table = runs.activations
    table = table[table["run"].isin(rows["run"]) & (table["tensor"] == "input")]
    table = table[table["index"] > 1]
    return table.assign(seed=table["run"].map(rows.set_index("run")["seed"]))[
        ["seed", "step", "index", "mean", "std"]
    ]


def drift(table: pd.DataFrame) -> pd.Series:
    """By seed, how far the inputs of an arm moved between the two steps."""
    found = []
    for _, layer in table.groupby("index"):
        first, later = _at(layer, FIRST), _at(layer, LATER)
        moved = np.hypot(later["mean"] - first["mean"], later["std"] - first["std"])
        found.append(moved / first["std"])
    return pd.concat(found, axis=1).mean(axis=1) if found else pd.Series(dtype=float)


def gradient_shift(runs: Runs, rows: pd.DataFrame) -> pd.Series:
    """By seed, the mean of 1 - cosine over steps and all layers but the first."""
    cosines = measures(runs, rows, "gradient_cosine")
    if not len(cosines):
        return pd.Series(dtype=float)
    cosines = cosines[cosines["layer"] != cosines["layer"].iloc[0]]
    return 1 - cosines.groupby("seed")["value"].mean()


def _at(rows: pd.DataFrame, step: int) -> pd.DataFrame:
    """Mean and std by seed at a step, or at the last recorded one before it."""
    steps = rows.loc[rows["step"] <= step, "step"]
    return rows[rows["step"] == steps.max()].set_index("seed")[["mean", "std"]].sort_index()


def _summary(first: pd.DataFrame, later: pd.DataFrame, after: pd.DataFrame, shift: Quantity) -> str:
    if not len(first) or not len(after):
        return "Too few arms were measured"
    a, b, c = first.median(), later.median(), after.median()
    words = (
        f"Without batch norm what layer 2 receives goes from mean {number(a['mean'])}, std "
        f"{number(a['std'])} at step {FIRST} to {number(b['mean'])}, {number(b['std'])} at step "
        f"{LATER}; with batch norm after the activation it has {number(c['mean'])}, "
        f"{number(c['std'])} there"
    )
    if shift.n:
        words += f"; batch norm divides the shift of gradients by {number(shift.centre)}"
    return words


def _notes(drifts: dict[str, pd.Series], shifts: dict[str, pd.Series]) -> list[str]:
    names = {
        "none": "without batch norm",
        "before": "with it before the activation",
        "after": "with it after the activation",
    }
    notes = []
    for what, found in (("Drift in first stds", drifts), ("1 - cos(G, G')", shifts)):
        words = [f"{number(x.mean())} {names[name]}" for name, x in found.items() if len(x)]
        notes.append(f"{what}: {', '.join(words)}.")
    return notes
