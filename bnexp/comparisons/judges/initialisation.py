"""How much the scale of the initial weights matters (B20)."""

import numpy as np
import pandas as pd

from bnexp.comparisons.accuracies import lost
from bnexp.comparisons.finding import Finding
from bnexp.comparisons.measure import best, cell, difference
from bnexp.report.labels import listed, norm_name
from bnexp.runs.tables import Runs

SCALE = "model.init_scale"


def sensitivity(runs: Runs) -> Finding:
    """B20: the range of final accuracy over initial scales, and the share of scales that train.

    Each arm has the one learning rate that is best for it, by validation, at the scale 1. The
    range is over the scales at which the runs of both arms trained, so that both arms face the
    same ones; what failed is in the share.
    """
    arms = {str(norm): at_one_rate(cell(runs.runs, model__norm=norm))
            for norm in runs.runs["model.norm"].unique()}  # fmt: skip
    accuracy = {norm: _by_scale(arm) for norm, arm in arms.items()}
    share = {norm: table.notna().mean(axis=1) for norm, table in accuracy.items()}
    both = accuracy["none"].where(accuracy["batch"].notna())
    spread = {"none": _range(both), "batch": _range(accuracy["batch"].where(both.notna()))}
    quantities = {
        "narrower_range": difference(spread["none"], spread["batch"]),
        "more_scales": difference(share["batch"], share["none"]),
    }
    table = pd.DataFrame(
        [
            {
                "norm": norm_name(norm),
                "learning_rate": arm["optimizer.lr"].iloc[0],
                "init_scale": scale,
                "runs": len(arm[arm[SCALE] == scale]),
                "trained": int(values.notna().sum()),
                "test_accuracy": values.mean(),
            }
            for norm, arm in arms.items()
            for scale, values in accuracy[norm].items()
        ]
    )
    told = [f"{share[norm].mean():.0%} ({norm_name(norm)})" for norm in arms]
    summary = f"Of the scales and seeds, {listed(told)} trained"
    if quantities["narrower_range"].n:
        summary += (
            f"; where both did, test accuracy ranges over {100 * spread['none'].mean():.1f} points "
            f"without batch norm and {100 * spread['batch'].mean():.1f} with it"
        )
    return Finding(summary, quantities, table, notes=lost(runs.runs))


def at_one_rate(arm: pd.DataFrame) -> pd.DataFrame:
    """The runs at the learning rate that is best by validation at the scale 1.

    The smallest rate where none trained at that scale.
    """
    chosen = best(cell(arm, model__init_scale=1))["optimizer.lr"]
    rate = chosen.iloc[0] if len(chosen) else arm["optimizer.lr"].min()
    return arm[arm["optimizer.lr"] == rate]


def _by_scale(arm: pd.DataFrame) -> pd.DataFrame:
    """Test accuracy (seeds x scales); NaN where the run did not train."""
    accuracy = pd.to_numeric(arm["test_accuracy"]).where(arm["outcome"] == "trained", np.nan)
    return arm.assign(value=accuracy).pivot(index="seed", columns=SCALE, values="value")


def _range(accuracy: pd.DataFrame) -> pd.Series:
    """Highest minus lowest by seed; NaN below two scales."""
    spread = accuracy.max(axis=1) - accuracy.min(axis=1)
    return spread[accuracy.notna().sum(axis=1) > 1]
