"""Whether batch norm lessens the need for dropout (B11)."""

import pandas as pd

from bnexp.comparisons.accuracies import accuracy_row, lead, lost
from bnexp.comparisons.choices import Choices
from bnexp.comparisons.finding import Finding, Quantity
from bnexp.comparisons.measure import differences
from bnexp.report.labels import listed, norm_name, number
from bnexp.runs.tables import Runs

NORMS, RATES = ("none", "batch"), (0.2, 0.5)


def need(runs: Runs, choices: Choices) -> Finding:
    """B11: what each dropout rate adds to test accuracy, with and without batch norm.

    At every dropout rate the learning rate is the one that pilots found best there.
    """
    arms = {
        (norm, rate): choices.chosen(runs.runs, "best", model__norm=norm, model__dropout=rate)
        for norm in NORMS
        for rate in (0.0, *RATES)
    }
    quantities, told = {}, []
    for rate in RATES:
        plain, normed = (lead(arms[norm, rate], arms[norm, 0.0]) for norm in NORMS)
        quantities[f"gain_without_norm_{rate}"] = plain
        quantities[f"gain_with_norm_{rate}"] = normed
        less = differences(plain.readings, normed.readings)
        quantities[f"less_gain_{rate}"] = Quantity(less, unit="points")
        if less:
            told.append(
                f"{plain.centre:+.1f} points without batch norm and {normed.centre:+.1f} with it "
                f"(rate {number(rate)})"
            )
    table = [
        {"norm": norm_name(norm), "dropout": rate, "learning_rate": arm["optimizer.lr"].iloc[0]}
        | accuracy_row(arm)
        for (norm, rate), arm in arms.items()
        if len(arm)
    ]
    return Finding(
        f"Dropout changes test accuracy by {listed(told)}" if told else "Nothing was measured",
        quantities,
        pd.DataFrame(table),
        notes=lost(runs.runs),
    )
