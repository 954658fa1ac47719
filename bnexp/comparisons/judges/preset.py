"""Whether the source's example net trains as printed (B24)."""

import pandas as pd

from bnexp.comparisons.accuracies import lost
from bnexp.comparisons.choices import Choices
from bnexp.comparisons.finding import Finding, Quantity
from bnexp.comparisons.measure import accuracies, differences, ratios, readings
from bnexp.comparisons.readings import exact
from bnexp.runs.tables import Runs


def trains(runs: Runs, choices: Choices) -> Finding:
    """B24: test accuracy above chance, and how far the training loss falls."""
    rows = runs.runs
    test = accuracies(rows)
    chance = 100 / float(rows["data.classes"].iloc[0])
    curves = runs.epochs.merge(rows[["run", "seed"]]).sort_values("step")
    losses = curves.dropna(subset="train_loss").groupby("seed")["train_loss"]
    first, last = (readings(found) for found in (losses.first(), losses.last()))
    quantities = {
        "above_chance": Quantity(
            differences(test, dict.fromkeys(test, exact(chance))), unit="points"
        ),
        "loss_fall": Quantity(ratios(first, last), "ratio", "x"),
    }
    table = pd.DataFrame(
        [{"seed": seed, "test_accuracy": found.low} for seed, found in test.items()]
    )
    summary = (
        f"The net comes to {Quantity(test).centre:.1f}% test accuracy (chance: {chance:.0f}%); the "
        f"training loss falls {quantities['loss_fall'].centre:.1f} times"
    )
    return Finding(summary, quantities, table, notes=lost(rows))
