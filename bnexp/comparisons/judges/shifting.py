"""Whether shifting inputs slow training down: batch norm followed by noise (B32)."""

import pandas as pd

from bnexp.comparisons.accuracies import accuracy_row, lost
from bnexp.comparisons.choices import Choices
from bnexp.comparisons.finding import Finding, Quantity
from bnexp.comparisons.judges.leads import at_chosen_rates
from bnexp.comparisons.measure import ratios, times_to
from bnexp.comparisons.words import shown
from bnexp.report.labels import norm_name
from bnexp.runs.tables import Runs

NORMS = ("none", "noisy_batch", "batch")


def despite_noise(runs: Runs, choices: Choices) -> Finding:
    """B32: epochs to the target without norm over those with noisy batch norm, and of noisy batch
    norm over batch norm, each at its fastest rate.
    """
    arms = at_chosen_rates(runs.runs, choices, NORMS, "fastest")
    times = {norm: times_to(runs, arm, choices.target()) for norm, arm in arms.items()}
    quantities = {
        "over_none": Quantity(ratios(times["none"], times["noisy_batch"]), "ratio", "x"),
        "slowed": Quantity(ratios(times["noisy_batch"], times["batch"]), "ratio", "x"),
    }
    table = [
        {"norm": norm_name(norm), "fastest_rate": arm["optimizer.lr"].iloc[0],
         "epochs_to_target": Quantity(times[norm]).centre} | accuracy_row(arm)
        for norm, arm in arms.items()
        if len(arm)
    ]  # fmt: skip
    told = (
        "Batch norm whose outputs are shifted and scaled anew at every step is "
        f"{shown(quantities['over_none'])} times as fast as no norm, and batch norm as it is "
        f"{shown(quantities['slowed'])} times as fast as that, in epochs"
    )
    return Finding(
        told if quantities["over_none"].n else "Nothing was measured",
        quantities,
        pd.DataFrame(table),
        notes=lost(runs.runs),
    )
