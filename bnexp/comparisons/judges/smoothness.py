"""How smooth the loss is along the gradient, with batch norm and without (B22)."""

import numpy as np
import pandas as pd

from bnexp.comparisons.accuracies import accuracy_row, lost
from bnexp.comparisons.finding import Finding, Quantity
from bnexp.comparisons.measure import best, cell, measures, ratio, trained
from bnexp.report.labels import number
from bnexp.runs.tables import Runs

KEY = "optimizer.lr"
NAMES = {
    "loss_range": "the range of the loss",
    "gradient_range": "the range of the gradient",
    "effective_smoothness": "the change of the gradient over the distance",
}


def along_the_gradient(runs: Runs) -> Finding:
    """B22: batch norm over no norm, at one learning rate (the best without) and at each one's best.

    Of a run the geometric mean over its recorded steps.
    """
    norms = {norm: cell(runs.runs, model__norm=norm) for norm in ("none", "batch")}
    own = {norm: best(rows) for norm, rows in norms.items()}
    rates = {norm: rows[KEY].iloc[0] for norm, rows in own.items() if len(rows)}
    equal = {norm: cell(norms[norm], optimizer__lr=rates.get("none")) for norm in norms}
    quantities: dict[str, Quantity] = {}
    for where, arms in (("equal", equal), ("own", own)):
        for name in NAMES:
            values = {norm: typical(runs, trained(rows), name) for norm, rows in arms.items()}
            quantities[f"{name}_{where}"] = ratio(values["batch"], values["none"])
    return Finding(
        _summary(quantities, rates),
        {name: quantity for name, quantity in quantities.items() if quantity.n},
        _table(runs),
        notes=lost(runs.runs),
    )


def typical(runs: Runs, rows: pd.DataFrame, name: str) -> pd.Series:
    """The geometric mean of a measure over the steps of each run, by seed."""
    found = measures(runs, rows, name)
    found = found[(found["value"] > 0) & np.isfinite(found["value"])]
    logs = np.log(found["value"].astype(float))
    return np.exp(logs.groupby(found["seed"]).mean())


def _table(runs: Runs) -> pd.DataFrame:
    table = [
        {"norm": norm, "lr": float(arm[KEY].iloc[0]), **accuracy_row(arm),
         **{name: typical(runs, trained(arm), name).mean() for name in NAMES}}
        for (norm, _), arm in runs.runs.groupby(["model.norm", KEY], sort=False)
    ]  # fmt: skip
    return pd.DataFrame(table)


def _summary(quantities: dict[str, Quantity], rates: dict[str, float]) -> str:
    if len(rates) < 2:
        return "Too few arms trained"
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
        parts.append(f"{words} {', '.join(told)}")
    return f"Batch norm makes {'; '.join(parts)} that without"
