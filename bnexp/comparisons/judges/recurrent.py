"""Normalisers in a recurrent net (B6)."""

import pandas as pd

from bnexp.comparisons.accuracies import accuracy_row, lead, lost
from bnexp.comparisons.choices import Choices
from bnexp.comparisons.finding import Finding
from bnexp.report.labels import listed, norm_name
from bnexp.runs.tables import Runs

ARMS = ("none", "batch", "layer", "recurrent_batch")
PAIRS = {
    "layer_over_batch": ("layer", "batch"),
    "layer_over_none": ("layer", "none"),
    "layer_over_recurrent": ("layer", "recurrent_batch"),
    "batch_over_none": ("batch", "none"),
    "batch_over_recurrent": ("batch", "recurrent_batch"),
}


def norms(runs: Runs, choices: Choices) -> Finding:
    """B6: differences of test accuracy, each arm at its best learning rate."""
    arms = {norm: choices.chosen(runs.runs, "best", model__norm=norm) for norm in ARMS}
    arms = {norm: arm for norm, arm in arms.items() if len(arm)}
    table = [
        {"norm": norm, "learning_rate": arm["optimizer.lr"].iloc[0]} | accuracy_row(arm)
        for norm, arm in arms.items()
    ]
    told = [f"{row['accuracy']:.1f}% ({norm_name(row['norm'])})" for row in table if row["n"]]
    return Finding(
        f"Mean test accuracy of the recurrent net is {listed(told or ['not measured'])}",
        {name: lead(arms[a], arms[b]) for name, (a, b) in PAIRS.items() if a in arms and b in arms},
        pd.DataFrame(table),
        notes=lost(runs.runs),
    )
