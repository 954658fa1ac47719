"""How deep a plain net may be (B21)."""

import pandas as pd

from bnexp.comparisons.accuracies import lost
from bnexp.comparisons.finding import Finding, Quantity
from bnexp.comparisons.judges.learning_rates import largest_trained, reach_ratio, tuned
from bnexp.comparisons.measure import by_seed, cell, difference, trained
from bnexp.report.labels import listed, norm_name, number
from bnexp.runs.tables import Runs

DEPTH = "model.depth"


def deepest(runs: Runs) -> Finding:
    """B21: the depth up to which nets train, by seed, each depth at its own best learning rate.

    Also test accuracy at the deepest depth at which every run of both arms trained.
    """
    rows = runs.runs
    chosen = {
        str(norm): tuned(cell(rows, model__norm=norm), DEPTH)
        for norm in rows["model.norm"].unique()
    }
    reach = {norm: largest_trained(arm, DEPTH) for norm, arm in chosen.items()}
    limit = rows[DEPTH].max()
    ended = bool((reach["batch"] == limit).any())
    quantities = {
        "deeper": reach_ratio(reach["none"], reach["batch"], rows[DEPTH]),
        "deepest": Quantity(reach["batch"], "value", "layers", bound="least" if ended else ""),
        "deep_accuracy": _deep_accuracy(chosen["none"], chosen["batch"]),
    }
    table = pd.DataFrame(
        [
            {
                "norm": norm_name(norm),
                "hidden_layers": depth,
                "learning_rate": here["optimizer.lr"].iloc[0],
                "runs": len(here),
                "trained": len(trained(here)),
                "test_accuracy": by_seed(here, "test_accuracy").mean(),
            }
            for norm, arm in chosen.items()
            for depth, here in arm.groupby(DEPTH)
        ]
    )
    most = table[2 * table["trained"] > table["runs"]].groupby("norm")["hidden_layers"].max()
    told = [f"{number(most[name])} ({name})" for name in most.index]
    summary = f"Of the depths tried, up to {number(limit)} hidden layers, most runs train "
    summary += f"up to {listed(told)}" if told else "at none"
    return Finding(summary, quantities, table, notes=lost(rows))


def _deep_accuracy(plain: pd.DataFrame, normed: pd.DataFrame) -> Quantity:
    both = pd.concat([plain, normed])
    good = both["outcome"].eq("trained").groupby(both[DEPTH]).all()
    depth = good[good].index.max()
    low, high = (by_seed(arm[arm[DEPTH] == depth], "test_accuracy") for arm in (plain, normed))
    return difference(high, low)
