"""How gradient norms change over ten layers (B3).

The gradient is that of the loss with respect to what a layer's linear map returns, dL/dz; the
table has the gradient of the weights beside it.
"""

from typing import Any

import numpy as np
import pandas as pd

from bnexp.comparisons.choices import Choices
from bnexp.comparisons.finding import Finding, Quantity
from bnexp.comparisons.measure import readings
from bnexp.report.labels import number
from bnexp.report.theory import predicted_ratio
from bnexp.runs.tables import Runs

ACTIVATIONS = ("relu", "tanh", "sigmoid")
ACTIVATION_GRADIENT, WEIGHT_GRADIENT = "activation_gradient_norm", "weight_gradient_norm"
END = -1  # the last recorded step
NOTHING = pd.Series(dtype=float)
Arms = dict[tuple[str, str, str], pd.Series]  # by norm, init and activation


def decay(runs: Runs, choices: Choices) -> Finding:
    """B3: the gradient in the last hidden layer over that in the first, by arm.

    Above 1 the gradient falls towards the input, below 1 towards the output.
    """
    falls: Arms = {}
    ends: Arms = {}
    table = []
    for key, rows in runs.runs.groupby(
        ["model.norm", "model.init", "model.activation"], sort=False
    ):
        norm, init, activation = map(str, key)
        names = {"norm": norm, "init": init, "activation": activation}
        falls[norm, init, activation] = fall(by_layer(runs, rows, 0))
        ends[norm, init, activation] = fall(by_layer(runs, rows, END))
        for step in sorted(_recorded(runs, rows)):
            table.append(names | _row(runs, rows, step))
    series = {
        f"{norm}_{activation}": falls.get((norm, "default", activation), NOTHING)
        for norm in ("none", "batch")
        for activation in ACTIVATIONS
    } | {
        "none_relu_he": falls.get(("none", "he", "relu"), NOTHING),
        "batch_end": ends.get(("batch", "default", "relu"), NOTHING),
    }
    quantities = {name: Quantity(readings(values), "ratio", "x") for name, values in series.items()}
    return Finding(_summary(quantities), quantities, pd.DataFrame(table))


def by_layer(
    runs: Runs, rows: pd.DataFrame, step: int, column: str = ACTIVATION_GRADIENT
) -> pd.DataFrame:
    """Gradient norms at a step: one row a seed, one column a hidden layer, from 1.

    Before training all runs count, later those that did not diverge.
    """
    if step != 0:
        rows = rows[rows["outcome"] != "diverged"]
    table = runs.gradients
    table = table[table["run"].isin(rows["run"])]
    last = table.groupby("run")["step"].transform("max") if step == END else step
    table = table[table["step"] == last]
    seeds = table["run"].map(rows.set_index("run")["seed"])
    norms = table.assign(seed=seeds).pivot(index="seed", columns="index", values=column)
    return norms.iloc[:, :-1]  # without the output layer


def fall(norms: pd.DataFrame) -> pd.Series:
    """By seed, how many times larger the last hidden layer's norm is than the first one's."""
    if norms.empty:
        return NOTHING
    return norms.iloc[:, -1] / norms.iloc[:, 0]


def _recorded(runs: Runs, rows: pd.DataFrame) -> set[int]:
    table = runs.gradients
    return set(table.loc[table["run"].isin(rows["run"]), "step"])


def _row(runs: Runs, rows: pd.DataFrame, step: int) -> dict[str, Any]:
    """Medians over the runs at a step; theory is of the step before training."""
    norms = by_layer(runs, rows, step)
    ratio = predicted_ratio({str(key): value for key, value in rows.iloc[0].items()})
    theory = ratio ** (1 - norms.shape[1]) if ratio and step == 0 and len(norms) else np.nan
    return {
        "step": step,
        "runs": len(norms),
        "last_over_first": fall(norms).median(),
        "predicted": theory,
        "weight_gradient_last_over_first": fall(
            by_layer(runs, rows, step, WEIGHT_GRADIENT)
        ).median(),
        **{f"layer_{index}": norms[index].median() for index in norms},
    }


def _summary(quantities: dict[str, Quantity]) -> str:
    words = []
    for norm, name in (("none", "without norm"), ("batch", "with batch norm")):
        told = [
            f"{number(quantities[f'{norm}_{activation}'].centre)} ({activation})"
            for activation in ACTIVATIONS
            if quantities[f"{norm}_{activation}"].n
        ]
        words += [f"{', '.join(told)} {name}"] if told else []
    return (
        "Before training, the last hidden layer's gradient is so many times the first one's: "
        f"{'; '.join(words)}"
    )
