"""Placement and depth of residual nets (B27)."""

import pandas as pd

from bnexp.comparisons.accuracies import accuracy_row, lead, lost, points
from bnexp.comparisons.choices import Choices
from bnexp.comparisons.finding import Finding, Quantity
from bnexp.comparisons.measure import cell, ratios, searched
from bnexp.comparisons.words import shown
from bnexp.report.labels import canonical
from bnexp.runs.tables import Runs

ARMS = {
    "before": ("batch", "before"), "after": ("batch", "after"), "pre": ("batch", "pre"),
    "group": ("group", "before"), "none": ("none", "before"),
}  # fmt: skip
NARROW = [8, 8, 8]  # channels of the nets whose depth is searched
PAIRS = {
    "after_over_before": ("after", "before"), "pre_over_before": ("pre", "before"),
    "batch_over_none": ("before", "none"), "batch_over_group": ("before", "group"),
}  # fmt: skip


def placements(runs: Runs, choices: Choices) -> Finding:
    """B27: accuracy by placement of batch norm and by norm, and how deep nets may be."""
    wide = runs.runs[runs.runs["model.widths"].map(canonical) != canonical(NARROW)]
    arms = {
        name: choices.chosen(wide, "best", model__norm=norm, model__placement=placement)
        for name, (norm, placement) in ARMS.items()
    }
    quantities = {name: lead(arms[a], arms[b]) for name, (a, b) in PAIRS.items()}
    narrow = cell(runs.runs, model__placement="before", model__widths=NARROW)
    reach = {
        norm: searched(narrow, choices, "deepest", model__norm=norm) for norm in ("none", "batch")
    }
    quantities["deeper"] = Quantity(ratios(reach["batch"], reach["none"]), "ratio", "x")
    table = [
        {"arm": name, "learning_rate": arm["optimizer.lr"].iloc[0]} | accuracy_row(arm)
        for name, arm in arms.items()
        if len(arm)
    ]
    words = [
        f"{points(quantities[name].centre)} {text}"
        for name, text in (
            ("after_over_before", "after the activation against before it"),
            ("pre_over_before", "in pre-activation blocks against before it"),
        )
        if quantities[name].n
    ]
    if quantities["deeper"].n:
        words.append(f"residual nets train {shown(quantities['deeper'])} times as deep with it")
    text = f"Batch norm: {'; '.join(words)}" if words else "Nothing was measured"
    return Finding(text, quantities, pd.DataFrame(table), notes=lost(runs.runs))
