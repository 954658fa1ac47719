"""How smooth the loss is along the gradient, with batch norm and without (B22)."""

import numpy as np
import pandas as pd

from bnexp.comparisons.accuracies import accuracy_row, lost
from bnexp.comparisons.choices import Choices
from bnexp.comparisons.finding import Finding, Quantity
from bnexp.comparisons.measure import cell, measures, ratios, readings
from bnexp.report.labels import number
from bnexp.runs.tables import Runs

KEY = "optimizer.lr"
NAMES = {
    "loss_range": "the range of the loss",
    "gradient_range": "the range of the gradient",
    "effective_smoothness": "the change of the gradient over the distance",
}


def along_the_gradient(runs: Runs, choices: Choices) -> Finding:
    """B22: batch norm over no norm, at one learning rate (the best without) and at each one's best.

    A run counts with the geometric mean over its recorded steps.
    """
    rates = {norm: choices.value("best", model__norm=norm) for norm in ("none", "batch")}
    places = {"equal": dict.fromkeys(rates, rates["none"]), "own": rates}
    quantities: dict[str, Quantity] = {}
    for where, at in places.items():
        arms = {norm: cell(runs.runs, model__norm=norm, optimizer__lr=at[norm]) for norm in rates}
        for name in NAMES:
            values = {norm: readings(typical(runs, rows, name)) for norm, rows in arms.items()}
            found = ratios(values["batch"], values["none"])
            quantities[f"{name}_{where}"] = Quantity(found, "ratio", "x")
    return Finding(_summary(quantities, rates), quantities, _table(runs), notes=lost(runs.runs))


def typical(runs: Runs, rows: pd.DataFrame, name: str) -> pd.Series:
    """The geometric mean of a measure over the steps of each run, by seed."""
    found = measures(runs, rows, name)
    found = found[(found["value"] > 0) & np.isfinite(found["value"])]
    logs = np.log(found["value"].astype(float))
    return np.exp(logs.groupby(found["seed"]).mean())


def _table(runs: Runs) -> pd.DataFrame:
    table = [
        {"norm": norm, "lr": float(arm[KEY].iloc[0]), **accuracy_row(arm),
         **{name: typical(runs, arm, name).mean() for name in NAMES}}
        for (norm, _), arm in runs.runs.groupby(["model.norm", KEY], sort=False)
    ]  # fmt: skip
    return pd.DataFrame(table)


def _summary(quantities: dict[str, Quantity], rates: dict[str, float]) -> str:
    where = {
        "equal": f"at the learning rate {number(rates['none'])}",
        "own": f"at the best of each ({number(rates['batch'])} and {number(rates['none'])})",
    }
    parts = []
    for place, words in where.items():
        told = [
            f"{name} {number(quantities[f'{key}_{place}'].centre)} times"
            for key, name in NAMES.items()
            if quantities[f"{key}_{place}"].n
        ]
        parts += [f"{words} {', '.join(told)}"] if told else []
    return f"Batch norm makes {'; '.join(parts)} that without" if parts else "Nothing was measured"
