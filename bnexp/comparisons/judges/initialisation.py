"""How much the scale of the initial weights matters (B20)."""

import pandas as pd

from bnexp.comparisons.accuracies import accuracy_row, lead, lost
from bnexp.comparisons.choices import Choices
from bnexp.comparisons.finding import Finding, Quantity
from bnexp.comparisons.judges.complete_example import trains
from bnexp.comparisons.measure import cell, differences
from bnexp.report.labels import listed, norm_name, number
from bnexp.runs.tables import Runs

NORMS = ("none", "batch", "layer")
SMALL, LARGE = (0.0625, 0.25), (4.0, 16.0)  # besides 1
SCALES = (*SMALL, *LARGE)


def sensitivity(runs: Runs, choices: Choices) -> Finding:
    """B20: what each scale of the initial weights costs against the scale 1, in points.

    Each arm has one learning rate, the one that pilots found best for it at the scale 1. For small
    scales the quantity is what one costs without norm less what it costs with batch norm. Large
    ones can make a net diverge, which has no accuracy to lose: there it is whether it trains with
    batch norm, 1 or 0, less whether it trains without.
    """
    arms = {
        norm: cell(
            runs.runs, model__norm=norm, optimizer__lr=choices.value("best", model__norm=norm)
        )
        for norm in NORMS
    }
    quantities: dict[str, Quantity] = {}
    told: list[str] = []
    for scale in LARGE:
        without, with_norm = (
            trains(
                cell(arms[norm], model__init_scale=scale), choices.score("best", model__norm=norm)
            )
            for norm in ("none", "batch")
        )
        quantities[f"trains_{number(scale)}"] = Quantity(differences(with_norm, without))
    for scale in SCALES:
        plain, normed = (
            lead(cell(arms[norm], model__init_scale=1.0), cell(arms[norm], model__init_scale=scale))
            for norm in ("none", "batch")
        )
        less = Quantity(differences(plain.readings, normed.readings), unit="points")
        if scale in SMALL:
            quantities[f"less_lost_{number(scale)}"] = less
        if less.n:
            told.append(
                f"{plain.centre:.1f} points without batch norm and {normed.centre:.1f} with it "
                f"(scale {number(scale)})"
            )
    table = [
        {
            "norm": norm_name(norm),
            "init_scale": scale,
            "learning_rate": found["optimizer.lr"].iloc[0],
        }
        | accuracy_row(found)
        for norm, arm in arms.items()
        for scale in sorted((1.0, *SCALES))
        if len(found := cell(arm, model__init_scale=scale))
    ]
    return Finding(
        f"Other scales of the initial weights cost {listed(told)}"
        if told
        else "Nothing was measured",
        quantities,
        pd.DataFrame(table),
        notes=lost(runs.runs),
    )
