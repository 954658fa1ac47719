"""How activations are distributed over the layers, with and without batch norm (B2)."""

import numpy as np
import pandas as pd

from bnexp.comparisons.choices import Choices
from bnexp.comparisons.finding import Finding, Quantity
from bnexp.comparisons.measure import ratios, readings
from bnexp.report.labels import number
from bnexp.runs.tables import Runs

STEP = 100
SPAN = 3.0  # the source's axis with batch norm is from -3 to 3
LAYERS = (1, 2)  # those that the source draws


def distributions(runs: Runs, choices: Choices) -> Finding:
    """B2: what the activation functions of layers 1 and 2 receive at step 100, by norm."""
    table = by_layer(runs)
    plain, normed = (table[table["norm"] == norm] for norm in ("none", "batch"))
    if plain.empty or normed.empty:
        return Finding("One of the two arms was not measured", {}, table)
    mean, std = wide(plain, "mean"), wide(plain, "std")
    normed_mean, normed_std = wide(normed, "mean"), wide(normed, "std")
    quantities = {
        "shift": Quantity(readings(mean[2])),
        "wider": Quantity(readings(std[2] / std[1]), "ratio", "x"),
        "width": Quantity(readings(std[2]), "ratio"),
        "spread": Quantity(
            ratios(readings(apart(mean, std)), readings(apart(normed_mean, normed_std))),
            "ratio", "x",
        ),
    }  # fmt: skip
    inside = 100 * (1 - wide(normed, "outside"))
    for layer in LAYERS:
        factor = normed_std[layer].map(_factor_from_1)
        quantities |= {
            f"batch_centre_{layer}": Quantity(readings(normed_mean[layer].abs())),
            f"batch_width_{layer}": Quantity(readings(factor), "ratio", "x"),
            f"batch_inside_{layer}": Quantity(readings(inside[layer]), unit="%"),
        }
    centre = {name: number(quantity.centre) for name, quantity in quantities.items()}
    summary = (
        f"At step {table['step'].max()} layer 2 has mean {centre['shift']} and std "
        f"{centre['width']} without batch norm; with it the means of layers 1 and 2 are "
        f"{centre['batch_centre_1']} and {centre['batch_centre_2']} from 0, their stds "
        f"{centre['batch_width_1']}-fold and {centre['batch_width_2']}-fold from 1"
    )
    return Finding(summary, quantities, table.drop(columns="run"))


def by_layer(runs: Runs) -> pd.DataFrame:
    """Statistics of the pre-activations at step 100, or the last recorded before it, one row a
    run and layer; `outside` is the share of values beyond -3 and 3.
    """
    rows = runs.runs[runs.runs["outcome"] != "diverged"][["run", "seed", "model.norm"]]
    rows = rows.rename(columns={"model.norm": "norm"})
    return rows.merge(_at_step(runs.activations), on="run").merge(
        _outside(_at_step(runs.histograms)), on=["run", "step", "index"], how="left"
    )[["run", "norm", "seed", "step", "index", "mean", "std", "outside"]]


def wide(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    """One row a seed, one column a layer, from 1."""
    return rows.pivot(index="seed", columns="index", values=column)


def apart(mean: pd.DataFrame, std: pd.DataFrame) -> pd.Series:
    """How far layers 1 and 2 are apart, in their average std.

    The distance of two distributions is sqrt(difference of means^2 + difference of stds^2),
    between normal ones the 2-Wasserstein distance.
    """
    a, b = LAYERS
    return np.hypot(mean[a] - mean[b], std[a] - std[b]) / std[[a, b]].mean(axis=1)


def outside(low: float, high: float, counts: str) -> float:
    """Share of a histogram beyond -3 and 3; values are taken to lie evenly within a bin."""
    bins = np.array(counts.split(), float)
    edges = np.linspace(low, high, len(bins) + 1)
    below, until = np.interp([-SPAN, SPAN], edges, np.append(0, bins.cumsum() / bins.sum()))
    return float(1 - (until - below))


def _factor_from_1(std: float) -> float:
    return max(std, 1 / std)


def _at_step(table: pd.DataFrame) -> pd.DataFrame:
    table = table[(table["tensor"] == "pre_activation") & (table["step"] <= STEP)]
    return table[table["step"] == table.groupby("run")["step"].transform("max")]


def _outside(table: pd.DataFrame) -> pd.DataFrame:
    shares = map(outside, table["low"], table["high"], table["counts"])
    return table[["run", "step", "index"]].assign(outside=list(shares))
