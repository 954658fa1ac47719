"""How activations are distributed over the layers, with and without batch norm (B2)."""

from itertools import combinations

import numpy as np
import pandas as pd

from bnexp.comparisons.finding import Finding, Quantity
from bnexp.comparisons.measure import ratio, trained
from bnexp.report.labels import number
from bnexp.runs.tables import Runs

STEP = 100
SPAN = 3.0  # the source's axis with batch norm is from -3 to 3


def distributions(runs: Runs) -> Finding:
    """B2: what the activation functions receive at step 100, by layer and norm."""
    table = by_layer(runs)
    plain, normed = (table[table["norm"] == norm] for norm in ("none", "batch"))
    if plain.empty or normed.empty:
        return Finding("No run of one of the two arms trained", {}, table)
    mean, std = wide(plain, "mean"), wide(plain, "std")
    normed_mean, normed_std = wide(normed, "mean"), wide(normed, "std")
    quantities = {
        "shift": Quantity(mean[2]),
        "wider": Quantity(std[2] / std[1], "ratio", "x"),
        "width": Quantity(std[2], "ratio"),
        "spread": ratio(spread(mean, std), spread(normed_mean, normed_std)),
        "batch_centre": Quantity(normed_mean.abs().max(axis=1)),
        "batch_width": Quantity(normed_std.map(_factor_from_1).max(axis=1), "ratio", "x"),
        "batch_inside": Quantity(100 * (1 - wide(normed, "outside").max(axis=1)), unit="%"),
    }
    summary = (
        f"At step {table['step'].max()} layer 2 has mean {number(quantities['shift'].centre)} and "
        f"std {number(quantities['width'].centre)} without batch norm; with it, no layer's mean is "
        f"further from 0 than {number(quantities['batch_centre'].centre)} and no std further from "
        f"1 than {number(quantities['batch_width'].centre)}-fold (means over seeds)"
    )
    return Finding(summary, quantities, table.drop(columns="run"))


def by_layer(runs: Runs) -> pd.DataFrame:
    """Statistics of the pre-activations at step 100, or the last recorded before it, one row a
    trained run and layer; `outside` is the share of values beyond -3 and 3.
    """
    rows = trained(runs.runs)[["run", "seed", "model.norm"]]
    rows = rows.rename(columns={"model.norm": "norm"})
    return rows.merge(_at_step(runs.activations), on="run").merge(
        _outside(_at_step(runs.histograms)), on=["run", "step", "index"], how="left"
    )[["run", "norm", "seed", "step", "index", "mean", "std", "outside"]]


def wide(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    """One row a seed, one column a layer, from 1."""
    return rows.pivot(index="seed", columns="index", values=column)


def spread(mean: pd.DataFrame, std: pd.DataFrame) -> pd.Series:
    """How far the two most different layers are apart, in the layers' average std.

    The distance of two distributions is sqrt(difference of means^2 + difference of stds^2),
    between normal ones the 2-Wasserstein distance.
    """
    apart = [np.hypot(mean[a] - mean[b], std[a] - std[b]) for a, b in combinations(mean, 2)]
    return pd.concat(apart, axis=1).max(axis=1) / std.mean(axis=1)


def outside(low: float, high: float, counts: str) -> float:
    """Share of a histogram beyond -3 and 3; values lie evenly within a bin."""
    bins = np.array(counts.split(), float)
    edges = np.linspace(low, high, len(bins) + 1)
    below, until = np.interp([-SPAN, SPAN], edges, np.append(0, bins.cumsum() / bins.sum()))
    return float(1 - (until - below))


def _factor_from_1(std: float) -> float:
    return max(std, 1 / std)


def _at_step(table: pd.DataFrame) -> pd.DataFrame:
    table = table[(table["tensor"] == "pre_activation") & (table["step"] <= STEP)]
    return table[table["step"] == table["step"].max()]


def _outside(table: pd.DataFrame) -> pd.DataFrame:
    shares = map(outside, table["low"], table["high"], table["counts"])
    return table[["run", "step", "index"]].assign(outside=list(shares))
