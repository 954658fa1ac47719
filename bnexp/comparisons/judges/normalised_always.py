"""Whether "mean 0, std 1 always" holds of what batch norm returns (A17)."""

import numpy as np
import pandas as pd

from bnexp.comparisons.accuracies import lost
from bnexp.comparisons.choices import Choices
from bnexp.comparisons.finding import Finding, Quantity
from bnexp.comparisons.measure import cell, readings
from bnexp.report.labels import number
from bnexp.runs.tables import Runs

NAMES = {
    "xhat_mean": "mean of x_hat",
    "xhat_std": "std of x_hat",
    "y_mean": "mean of y",
    "y_std": "std of y",
}


def after_training(runs: Runs, choices: Choices) -> Finding:
    """A17: mean and std of x_hat and of y = gamma x_hat + beta at the end of training.

    What the activation receives is y, of all channels together. As every channel's x_hat has the
    same mean and variance, those follow from y's and from gamma and beta:
    mean(y) = mean(gamma) m + mean(beta) and var(y) = mean(gamma^2) s^2 + var(beta). How far y's
    own mean and std lie from 0 and 1 is the root mean square over a layer's channels of beta and
    gamma - 1. Each is averaged over the layers that have a norm.
    """
    rows = cell(runs.runs, model__norm="batch", model__placement="before")
    rows = rows[rows["outcome"] != "diverged"]
    table = pd.DataFrame(layers(runs, rows))
    found = table.groupby("seed")[list(NAMES)].mean() if len(table) else pd.DataFrame()
    quantities = {name: Quantity(readings(found[name])) for name in NAMES if name in found}
    notes = (*_notes(table), *lost(runs.runs))
    return Finding(_summary(quantities), quantities, table, notes=notes)


def layers(runs: Runs, rows: pd.DataFrame) -> list[dict[str, float | str]]:
    """One row for every seed and layer with a norm, at the last step."""
    activations = runs.activations
    activations = activations[activations["tensor"] == "pre_activation"]
    found: list[dict[str, float | str]] = []
    for run, seed in zip(rows["run"], rows["seed"], strict=True):
        table = runs.measures[runs.measures["run"] == run]
        last = table[table["step"] == table["step"].max()]
        norms = last.pivot(index="layer", columns="name", values="value")
        norms = norms.dropna(subset=["gamma_mean", "beta_mean"])
        received = activations[activations["run"] == run]
        received = received[received["step"] == received["step"].max()].set_index("layer")
        for layer, of in norms[norms.index.isin(received.index)].iterrows():
            y = received.loc[layer]
            gamma_square = of["gamma_mean"] ** 2 + of["gamma_std"] ** 2
            least, eps = of.get("running_var_min", np.nan), _eps(rows, run)
            found.append(
                {
                    "layer": str(layer),
                    "seed": seed,
                    "xhat_mean": (y["mean"] - of["beta_mean"]) / of["gamma_mean"],
                    "xhat_std": np.sqrt((y["std"] ** 2 - of["beta_std"] ** 2) / gamma_square),
                    "xhat_std_expected": np.sqrt(least / (least + eps)),
                    "y_mean": np.hypot(of["beta_mean"], of["beta_std"]),
                    "y_std": np.hypot(of["gamma_mean"] - 1, of["gamma_std"]),
                }
            )
    return found


def _eps(rows: pd.DataFrame, run: str) -> float:
    column = "model.norm_options.eps"
    found = rows.loc[rows["run"] == run, column] if column in rows else pd.Series(dtype=float)
    return float(found.iloc[0]) if len(found.dropna()) else 1e-5


def _notes(table: pd.DataFrame) -> tuple[str, ...]:
    if not len(table):
        return ()
    largest = table[list(NAMES)].abs().max()
    return (
        "Of a single layer and seed, the largest distance of y's channel means from 0 is "
        f"{number(largest['y_mean'])}, of its stds from 1 {number(largest['y_std'])}.",
        "The std of x_hat that the least running variance v and eps give, "
        f"sqrt(v / (v + eps)), is {table['xhat_std_expected'].min():.5f}.",
    )


def _summary(quantities: dict[str, Quantity]) -> str:
    if not quantities:
        return "No run with batch norm before the activation was measured"
    centre = {name: number(quantity.centre) for name, quantity in quantities.items()}
    return (
        f"After training x_hat has mean {centre['xhat_mean']} and std {centre['xhat_std']}; y's "
        f"channel means lie {centre['y_mean']} from 0 and its stds {centre['y_std']} from 1"
    )
