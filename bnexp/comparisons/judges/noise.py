"""How much a normalised value varies with its batch (B10, I5)."""

import pandas as pd

from bnexp.comparisons.accuracies import lost
from bnexp.comparisons.choices import Choices
from bnexp.comparisons.finding import Finding, Quantity
from bnexp.comparisons.judges.modes import measured
from bnexp.comparisons.measure import cell, ratios, readings
from bnexp.comparisons.readings import Readings
from bnexp.report.labels import number
from bnexp.runs.tables import Runs

SIZES = (8, 16, 32, 64, 128)
Jitters = dict[int, tuple[Readings, Readings]]  # measured and predicted, by batch size


def jitter(runs: Runs, choices: Choices) -> Finding:
    """B10: the variance of x_hat over companions, by batch size."""
    found = by_size(runs)
    quantities = {f"jitter_{size}": Quantity(found[size][0]) for size in found}
    small, large = (number(Quantity(found[size][0]).centre ** 0.5) for size in (8, 128))
    return Finding(
        f"A normalised value varies with its batch by a std of {small} at batch size 8 and {large} "
        "at 128",
        quantities,
        table_of(found),
        notes=lost(runs.runs),
    )


def formula(runs: Runs, choices: Choices) -> Finding:
    """I5: that variance over (1 + x^2 / 2) / B, by batch size B, and whether it falls as 1 / B."""
    found = by_size(runs)
    quantities = {f"ratio_{size}": over_predicted(found, size) for size in found}
    small, large = found[8][0], found[128][0]
    quantities["scaling"] = Quantity(ratios(small, large), "ratio", "x")
    told = [f"{number(quantities[f'ratio_{size}'].centre)} at {size}" for size in (8, 32, 128)]
    return Finding(
        f"The variance is {', '.join(told)} times that of the formula; at batch size 8 it is "
        f"{number(quantities['scaling'].centre)} times that at 128",
        quantities,
        table_of(found),
        notes=lost(runs.runs),
    )


def by_size(runs: Runs) -> Jitters:
    """Measured and predicted variance by batch size."""
    found = {}
    for size in SIZES:
        arm = cell(runs.runs, data__batch_size=size)
        jitter = readings(measured(runs, arm, "xhat_jitter"))
        found[size] = jitter, readings(measured(runs, arm, "xhat_jitter_predicted"))
    return found


def over_predicted(found: Jitters, size: int) -> Quantity:
    """Measured over predicted."""
    return Quantity(ratios(*found[size]), "ratio", "x")


def table_of(found: Jitters) -> pd.DataFrame:
    """A row for every batch size."""
    return pd.DataFrame(
        [
            {"batch_size": size, "n": len(pair[0]), "jitter": Quantity(pair[0]).mean,
             "predicted": Quantity(pair[1]).mean, "ratio": over_predicted(found, size).centre}
            for size, pair in found.items()
            if pair[0]
        ]
    )  # fmt: skip
