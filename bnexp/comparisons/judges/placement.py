"""Batch norm before or after the activation (B5)."""

from typing import Any

import pandas as pd

from bnexp.comparisons.accuracies import accuracy_row, lead, lost, points
from bnexp.comparisons.choices import Choices
from bnexp.comparisons.finding import Finding, Quantity
from bnexp.comparisons.measure import ratios, times_to
from bnexp.report.labels import listed, number
from bnexp.runs.tables import Runs

ARMS: dict[str, dict[str, Any]] = {
    "none": {"model__norm": "none", "model__placement": "before"},
    "before": {"model__norm": "batch", "model__placement": "before"},
    "after": {"model__norm": "batch", "model__placement": "after"},
}


def placements(runs: Runs, choices: Choices) -> Finding:
    """B5: by model, final accuracy and steps to the target, each arm at its best learning rate."""
    goal = choices.target()
    quantities: dict[str, Quantity] = {}
    table, words = [], []
    for model in runs.runs["model.kind"].unique():
        arms = {
            name: choices.chosen(runs.runs, "best", model__kind=model, **keys)
            for name, keys in ARMS.items()
        }
        steps = {name: times_to(runs, arm, goal, "step") for name, arm in arms.items()}
        after = quantities[f"{model}_after"] = lead(arms["after"], arms["before"])
        faster = ratios(steps["none"], steps["after"])
        quantities[f"{model}_after_speed"] = Quantity(faster, "ratio", "x")
        words += [f"{points(after.centre)} ({model.upper()})"] if after.n else []
        table += [
            {"model": model, "arm": name, "learning_rate": arm["optimizer.lr"].iloc[0]}
            | accuracy_row(arm)
            | {"steps_to_target": Quantity(steps[name]).centre}
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
