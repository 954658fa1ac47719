"""Batch sizes that change at every step (B30)."""

import pandas as pd

from bnexp.comparisons.accuracies import accuracy_row, lead, lost, points
from bnexp.comparisons.choices import Choices
from bnexp.comparisons.finding import Finding, Quantity
from bnexp.comparisons.measure import cell, differences
from bnexp.report.labels import canonical, listed, norm_name
from bnexp.runs.tables import Runs

NORMS = ("batch", "layer", "group")


def batch_sizes(runs: Runs, choices: Choices) -> Finding:
    """B30: what varying the batch size costs each norm in test accuracy, and batch norm more than
    the others.
    """
    varies = runs.runs["data.batch_sizes"].map(canonical) != "null"
    costs, table = {}, []
    for norm in NORMS:
        arms = {
            name: cell(runs.runs[rows], model__norm=norm)
            for name, rows in (("one size", ~varies), ("varying", varies))
        }
        costs[norm] = lead(arms["one size"], arms["varying"])
        table += [
            {"norm": norm, "batches": name} | accuracy_row(arm)
            for name, arm in arms.items()
            if len(arm)
        ]
    quantities = {
        f"more_than_{norm}": Quantity(
            differences(costs["batch"].readings, costs[norm].readings), unit="points"
        )
        for norm in ("layer", "group")
    }
    quantities["batch_cost"] = costs["batch"]
    told = [f"{points(-q.centre)} ({norm_name(norm)})" for norm, q in costs.items() if q.n]
    return Finding(
        f"Batches that vary in size change test accuracy by {listed(told)}"
        if told
        else "Nothing was measured",
        quantities,
        pd.DataFrame(table),
        notes=lost(runs.runs),
    )
