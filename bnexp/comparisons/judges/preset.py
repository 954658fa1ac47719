"""Whether the source's example net trains as printed (B24)."""

import pandas as pd

from bnexp.comparisons.accuracies import lost
from bnexp.comparisons.finding import Finding, Quantity
from bnexp.comparisons.measure import by_seed, trained
from bnexp.runs.tables import Runs


def trains(runs: Runs) -> Finding:
    """B24: test accuracy above chance, and how far the training loss falls."""
    rows = runs.runs
    test = by_seed(rows, "test_accuracy")
    chance = 1 / float(rows["data.classes"].iloc[0])
    curves = runs.epochs.merge(trained(rows)[["run", "seed"]]).sort_values("step")
    losses = curves.groupby("seed")["train_loss"].agg(["first", "last"])
    fall = losses["first"] / losses["last"]
    quantities = {
        "above_chance": Quantity(100 * (test - chance), "value", "points"),
        "loss_fall": Quantity(fall, "ratio", "x"),
    }
    table = pd.DataFrame({"test_accuracy": test, "loss_fall": fall}).rename_axis("seed")
    summary = f"{len(test)} of {len(rows)} runs trained"
    if len(test):
        summary += (
            f", to {test.mean():.1%} test accuracy (chance: {chance:.0%}); the training loss fell "
            f"{quantities['loss_fall'].centre:.1f} times"
        )
    return Finding(summary, quantities, table.reset_index(), notes=lost(rows))
