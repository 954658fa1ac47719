"""Batch norm before or after the activation (B5)."""

from typing import Any

import pandas as pd

from bnexp.comparisons.accuracies import accuracy_row, lead, lost, points
from bnexp.comparisons.finding import Finding, Quantity
from bnexp.comparisons.measure import best, cell, reached, speedup, target
from bnexp.report.labels import listed, number
from bnexp.runs.tables import Runs

ARMS: dict[str, dict[str, Any]] = {
    "none": {"model__norm": "none"},
    "before": {"model__norm": "batch", "model__placement": "before"},
    "after": {"model__norm": "batch", "model__placement": "after"},
}


def placements(runs: Runs) -> Finding:
    """B5: by model, final accuracy and steps to the target, each arm at its best learning rate."""
    goal = target(runs)
    quantities: dict[str, Quantity] = {}
    table, words = [], []
    for model, rows in runs.runs.groupby("model.kind", sort=False):
        arms = {name: best(cell(rows, **keys)) for name, keys in ARMS.items()}
        steps = {name: reached(runs, arm, goal, "step") for name, arm in arms.items()}
        budget = float(rows["steps"].max())
        after = lead(arms["after"], arms["before"])
        quantities[f"{model}_after"] = after
        for name in ("before", "after"):
            quantities[f"{model}_{name}_speed"] = speedup(steps["none"], steps[name], budget)
        words += [f"{points(after.centre)} ({model})"] if after.n else []
        table += [
            {"model": model, "arm": name, "learning_rate": arm["optimizer.lr"].iloc[0]}
            | accuracy_row(arm)
            | {"steps_to_target": steps[name].median()}
            for name, arm in arms.items()
            if len(arm)
        ]
    gain = listed(words) if words else "not measured"
    return Finding(
        f"Batch norm after the activation instead of before it changes test accuracy by {gain}",
        quantities,
        pd.DataFrame(table),
        notes=(f"The target is {number(100 * goal)}% validation accuracy.", *lost(runs.runs)),
    )
