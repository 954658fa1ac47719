"""The source's complete example: its CNN with and without norms (B23)."""

import pandas as pd

from bnexp.comparisons.accuracies import accuracy_row, by_norm, lead, lost, points
from bnexp.comparisons.finding import Finding, Quantity
from bnexp.comparisons.measure import best, cell, trained
from bnexp.report.labels import norm_name, number
from bnexp.runs.tables import Runs

PRINTED = 0.1  # the example's learning rate


def as_printed_and_fair(runs: Runs) -> Finding:
    """B23: the norms against each other at the printed rate, and each at its own best one."""
    rows = runs.runs
    printed = by_norm(cell(rows, optimizer__lr=PRINTED))
    fair = {norm: best(arm) for norm, arm in by_norm(rows).items()}
    quantities: dict[str, Quantity] = {
        f"{norm}_trains": Quantity.fact(
            100 * len(trained(printed[norm])) / len(printed[norm]), "% of runs train"
        )
        for norm in ("batch", "none")
        if norm in printed
    }
    if {"batch", "none"} <= printed.keys():
        quantities["printed_rate"] = lead(printed["batch"], printed["none"])
    if "batch" in fair:
        if "none" in fair:
            quantities["best_rate"] = lead(fair["batch"], fair["none"])
        for norm in ("layer", "group"):
            if norm in fair:
                quantities[norm] = lead(fair[norm], fair["batch"])
    chosen = {norm: arm["optimizer.lr"].max() for norm, arm in fair.items()}
    table = [
        {"norm": norm, "lr": lr, "chosen": lr == chosen[norm]}
        | accuracy_row(cell(arm, optimizer__lr=lr))
        for norm, arm in by_norm(rows).items()
        for lr in sorted(arm["optimizer.lr"].unique())
    ]
    return Finding(_summary(printed, quantities), quantities, pd.DataFrame(table), notes=lost(rows))


def _summary(printed: dict[str, pd.DataFrame], quantities: dict[str, Quantity]) -> str:
    counts = [
        f"{len(trained(arm))} of {len(arm)} runs train with {norm_name(norm)}"
        for norm, arm in printed.items()
    ]
    words = [f"At learning rate {number(PRINTED)}, {', '.join(counts)}"]
    for name, rates in (("printed_rate", "at that rate"), ("best_rate", "at each one's best")):
        if name in quantities and quantities[name].n:
            words.append(f"batch norm has {points(quantities[name].centre)} on no norm {rates}")
    return "; ".join(words)
