"""How much better a net does on what it was trained on (B9)."""

import numpy as np
import pandas as pd

from bnexp.comparisons.accuracies import lost
from bnexp.comparisons.choices import Choices
from bnexp.comparisons.finding import Finding, Quantity
from bnexp.comparisons.measure import accuracies, cell, differences, readings, trained
from bnexp.report.labels import norm_name
from bnexp.runs.tables import Runs

NORMS = ("none", "batch")


def gap(runs: Runs, choices: Choices) -> Finding:
    """B9: training minus test accuracy, at the end and at equal training loss.

    Each arm is at the learning rate that pilots found best for it.
    """
    plain, normed = (choices.chosen(runs.runs, "best", model__norm=norm) for norm in NORMS)
    train, test = (
        [accuracies(arm, f"{split}_accuracy") for arm in (plain, normed)]
        for split in ("train", "test")
    )
    gaps = [differences(at, then) for at, then in zip(train, test, strict=True)]
    equal = gaps_at_equal_loss(runs, plain, normed)
    at_equal = [readings(100 * equal[name]) for name in ("first", "second")]
    quantities = {
        "narrower": Quantity(differences(gaps[0], gaps[1]), unit="points"),
        "narrower_at_equal_loss": Quantity(differences(*at_equal), unit="points"),
        "test_accuracy": Quantity(differences(test[1], test[0]), unit="points"),
        "train_accuracy": Quantity(differences(train[1], train[0]), unit="points"),
    }
    table = pd.DataFrame(
        [
            {
                "norm": norm_name(norm),
                "learning_rate": arm["optimizer.lr"].iloc[0] if len(arm) else np.nan,
                "runs": len(arm),
                "trained": len(trained(arm)),
                "train_accuracy": Quantity(train[i]).mean,
                "test_accuracy": Quantity(test[i]).mean,
                "gap": Quantity(gaps[i]).mean,
                "gap_at_equal_loss": Quantity(at_equal[i]).mean,
            }
            for i, (norm, arm) in enumerate(zip(NORMS, (plain, normed), strict=True))
        ]
    )
    summary = "No pair of runs was measured"
    if quantities["narrower"].n:
        summary = (
            f"Training accuracy exceeds test accuracy by {Quantity(gaps[0]).centre:.1f} points "
            f"without batch norm and {Quantity(gaps[1]).centre:.1f} with it; test accuracy differs "
            f"by {quantities['test_accuracy'].centre:+.1f} points"
        )
    return Finding(summary, quantities, table, notes=lost(runs.runs))


def gaps_at_equal_loss(runs: Runs, first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """By seed, each arm's gap at the lowest training loss that both of the seed's runs reached.

    Also the column `loss`. The gap between two evaluations is interpolated along the logarithm of
    the loss.
    """
    lines = {}
    seeds = [set(arm.loc[arm["outcome"] != "diverged", "seed"]) for arm in (first, second)]
    for seed in sorted(seeds[0] & seeds[1]):
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
    epochs = epochs.dropna(subset=["train_loss", "train_accuracy", "test_accuracy"])
    epochs = epochs.assign(gap=epochs["train_accuracy"] - epochs["test_accuracy"])
    loss = epochs["train_loss"]
    return epochs[(loss < loss.cummin().shift(fill_value=np.inf)) & (loss > 0)]
