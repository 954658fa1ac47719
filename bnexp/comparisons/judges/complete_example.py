"""The source's complete example: its CNN with and without norms (B23)."""

import pandas as pd

from bnexp.comparisons.accuracies import accuracy_row, lead, lost, points
from bnexp.comparisons.choices import Choices
from bnexp.comparisons.finding import Finding, Quantity
from bnexp.comparisons.measure import cell, column, readings
from bnexp.comparisons.readings import Readings
from bnexp.report.labels import listed, norm_name, number
from bnexp.runs.tables import Runs

PRINTED = 0.1  # the example's learning rate
NORMS = ("none", "batch", "layer", "group")
CLOSE = 0.05  # of validation accuracy: what trains comes so near to its arm's best


def as_printed_and_fair(runs: Runs, choices: Choices) -> Finding:
    """B23: the norms at the printed rate, and each at the rate that pilots found best."""
    printed = {norm: cell(runs.runs, model__norm=norm, optimizer__lr=PRINTED) for norm in NORMS}
    fair = {norm: choices.chosen(runs.runs, "best", model__norm=norm) for norm in NORMS}
    quantities = {
        f"{norm}_trains": Quantity(trains(printed[norm], choices.score("best", model__norm=norm)))
        for norm in ("batch", "none")
    }
    quantities |= {
        "printed_rate": lead(printed["batch"], printed["none"]),
        "best_rate": lead(fair["batch"], fair["none"]),
        "layer": lead(fair["layer"], fair["batch"]),
        "group": lead(fair["group"], fair["batch"]),
    }
    table = [
        {"norm": norm, "form": form, "lr": arm["optimizer.lr"].iloc[0]} | accuracy_row(arm)
        for form, arms in (("printed", printed), ("chosen", fair))
        for norm, arm in arms.items()
        if len(arm)
    ]
    return Finding(_summary(quantities), quantities, pd.DataFrame(table), notes=lost(runs.runs))


def trains(arm: pd.DataFrame, best: float) -> Readings:
    """By seed, 1 where a run ends within 5 points of `best`, the arm's validation accuracy by the
    pilots, or better; else 0, also where it diverged.
    """
    reached = column(arm, "val_accuracy").where(
        column(arm.assign(bad=arm["outcome"] == "diverged"), "bad") == 0, 0.0
    )
    return readings((reached >= best - CLOSE).astype(float))


def _summary(quantities: dict[str, Quantity]) -> str:
    counts = [
        f"{sum(r.low for r in found.readings.values()):.0f} of {found.n} runs train with "
        f"{norm_name(norm)}"
        for norm in ("batch", "none")
        if (found := quantities[f"{norm}_trains"]).n
    ]
    words = [f"At learning rate {number(PRINTED)}, {listed(counts)}"] if counts else []
    for name, rates in (("printed_rate", "at that rate"), ("best_rate", "at each one's best")):
        if quantities[name].n:
            words.append(f"batch norm has {points(quantities[name].centre)} on no norm {rates}")
    return "; ".join(words) or "Nothing was measured"
