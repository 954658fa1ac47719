"""Centring alone against full normalisation (B31)."""

import pandas as pd

from bnexp.comparisons.accuracies import accuracy_row, lead, lost
from bnexp.comparisons.choices import Choices
from bnexp.comparisons.finding import Finding, Quantity
from bnexp.comparisons.judges.leads import at_chosen_rates
from bnexp.comparisons.measure import ratios, times_to
from bnexp.comparisons.words import shown
from bnexp.report.labels import number
from bnexp.runs.tables import Runs

NORMS = ("none", "mean_only", "batch")


def alone(runs: Runs, choices: Choices) -> Finding:
    """B31: epochs to the target without norm over those with mean-only norm, and of mean-only norm
    over full batch norm; each at its fastest rate. Accuracies at each one's best.
    """
    goal = choices.target()
    fast = at_chosen_rates(runs.runs, choices, NORMS, "fastest")
    best = at_chosen_rates(runs.runs, choices, NORMS)
    times = {norm: times_to(runs, arm, goal) for norm, arm in fast.items()}
    quantities = {
        "faster": Quantity(ratios(times["none"], times["mean_only"]), "ratio", "x"),
        "batch_faster": Quantity(ratios(times["mean_only"], times["batch"]), "ratio", "x"),
        "accuracy": lead(best["mean_only"], best["none"]),
    }
    table = [
        {"norm": norm, "fastest_rate": fast[norm]["optimizer.lr"].iloc[0],
         "epochs_to_target": Quantity(times[norm]).centre} | accuracy_row(best[norm])
        for norm in NORMS
        if len(fast[norm]) and len(best[norm])
    ]  # fmt: skip
    told = (
        f"Mean-only norm comes to {number(100 * goal)}% validation accuracy "
        f"{shown(quantities['faster'])} times as fast as none, batch norm "
        f"{shown(quantities['batch_faster'])} times as fast as "
        "mean-only norm, in epochs"
    )
    return Finding(
        told if quantities["faster"].n else "Nothing was measured",
        quantities,
        pd.DataFrame(table),
        notes=lost(runs.runs),
    )
