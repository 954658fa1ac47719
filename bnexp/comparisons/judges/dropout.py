"""Whether batch norm lessens the need of dropout (B11)."""

import pandas as pd

from bnexp.comparisons.accuracies import lost
from bnexp.comparisons.finding import Finding, Quantity
from bnexp.comparisons.judges.learning_rates import tuned
from bnexp.comparisons.measure import best, by_seed, cell, trained
from bnexp.report.labels import norm_name, value_name
from bnexp.runs.tables import Runs

RATE = "model.dropout"


def need(runs: Runs) -> Finding:
    """B11: what the best dropout rate adds to test accuracy, with and without batch norm.

    At every dropout rate the learning rate is the one that is best for it by validation, and the
    best rate above 0 is chosen by validation too.
    """
    gains, lines, chosen = {}, [], []
    for norm in ("none", "batch"):
        arm = tuned(cell(runs.runs, model__norm=norm), RATE)
        without, with_dropout = cell(arm, model__dropout=0), best(arm[arm[RATE] > 0], RATE)
        gains[norm] = by_seed(with_dropout, "test_accuracy") - by_seed(without, "test_accuracy")
        chosen += [value_name(rate) for rate in with_dropout[RATE].unique()]
        for rate, rows in arm.groupby(RATE):
            accuracies = {
                split: by_seed(rows, f"{split}_accuracy").mean()
                for split in ("train", "val", "test")
            }
            lines.append(
                {
                    "norm": norm_name(norm),
                    "dropout": rate,
                    "learning_rate": rows["optimizer.lr"].iloc[0],
                    "runs": len(rows),
                    "trained": len(trained(rows)),
                    **{f"{split}_accuracy": value for split, value in accuracies.items()},
                }
            )
    quantities = {
        "gain_without_norm": Quantity(100 * gains["none"], "value", "points"),
        "gain_with_norm": Quantity(100 * gains["batch"], "value", "points"),
        "less_gain": Quantity(100 * (gains["none"] - gains["batch"]), "value", "points"),
    }
    summary = "No pair of runs trained"
    if quantities["less_gain"].n:
        summary = (
            f"The best dropout rate above 0 ({' and '.join(chosen)}) changes test accuracy by "
            f"{quantities['gain_without_norm'].centre:+.1f} points without batch norm and "
            f"{quantities['gain_with_norm'].centre:+.1f} with it"
        )
    return Finding(summary, quantities, pd.DataFrame(lines), notes=lost(runs.runs))
