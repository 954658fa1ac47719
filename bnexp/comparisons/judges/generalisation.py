"""How much better a net does on what it was trained on (B9)."""

import numpy as np
import pandas as pd

from bnexp.comparisons.accuracies import lost
from bnexp.comparisons.finding import Finding
from bnexp.comparisons.measure import best, by_seed, cell, difference, trained
from bnexp.report.labels import norm_name
from bnexp.runs.tables import Runs


def gap(runs: Runs) -> Finding:
    """B9: training minus test accuracy, at the end and at equal training loss.

    Each arm is at the learning rate that is best for it by validation.
    """
    rows = cell(runs.runs, model__dropout=0)
    plain, normed = (best(cell(rows, model__norm=norm)) for norm in ("none", "batch"))
    train, test = (
        [by_seed(arm, f"{split}_accuracy") for arm in (plain, normed)]
        for split in ("train", "test")
    )
    gaps = [at - then for at, then in zip(train, test, strict=True)]
    equal = gaps_at_equal_loss(runs, plain, normed)
    quantities = {
        "narrower": difference(gaps[0], gaps[1]),
        "narrower_at_equal_loss": difference(equal["first"], equal["second"]),
        "test_accuracy": difference(test[1], test[0]),
        "train_accuracy": difference(train[1], train[0]),
    }
    table = pd.DataFrame(
        [
            {
                "norm": norm_name(norm),
                "learning_rate": arm["optimizer.lr"].iloc[0] if len(arm) else np.nan,
                "runs": len(arm),
                "trained": len(trained(arm)),
                "train_accuracy": train[i].mean(),
                "test_accuracy": test[i].mean(),
                "gap": gaps[i].mean(),
                "gap_at_equal_loss": equal[column].mean(),
            }
            for i, (norm, arm, column) in enumerate(
                [("none", plain, "first"), ("batch", normed, "second")]
            )
        ]
    )
    summary = "No pair of runs trained"
    if quantities["narrower"].n:
        summary = (
            f"Training accuracy exceeds test accuracy by {100 * gaps[0].mean():.1f} points without "
            f"batch norm and {100 * gaps[1].mean():.1f} with it; test accuracy differs by "
            f"{quantities['test_accuracy'].centre:+.1f} points"
        )
    return Finding(summary, quantities, table, notes=lost(rows))


def gaps_at_equal_loss(runs: Runs, first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """By seed, each arm's gap at the lowest training loss that both its runs came to.

    Also the column `loss`. The gap between two evaluations is interpolated along the logarithm of
    the loss.
    """
    lines = {}
    for seed in sorted(set(trained(first)["seed"]) & set(trained(second)["seed"])):
        curves = [_curve(runs, cell(arm, seed=seed)) for arm in (first, second)]
        loss = max(curve["train_loss"].min() for curve in curves)
        lines[seed] = {"loss": loss} | {
            name: np.interp(-np.log(loss), -np.log(curve["train_loss"]), curve["gap"])
            for name, curve in zip(("first", "second"), curves, strict=True)
        }
    return pd.DataFrame.from_dict(lines, "index", columns=["loss", "first", "second"])


def _curve(runs: Runs, row: pd.DataFrame) -> pd.DataFrame:
    """Gap by training loss: the evaluations at which the loss was lower than ever before."""
    epochs = runs.epochs[runs.epochs["run"].isin(row["run"])].sort_values("step")
    epochs = epochs.assign(gap=epochs["train_accuracy"] - epochs["test_accuracy"])
    loss = epochs["train_loss"]
    return epochs[(loss < loss.cummin().shift(fill_value=np.inf)) & (loss > 0)]
