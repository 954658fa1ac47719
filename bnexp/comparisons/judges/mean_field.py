"""Whether gradient norms before training follow mean-field theory (I1)."""

import pandas as pd

from bnexp.comparisons.choices import Choices
from bnexp.comparisons.finding import Finding, Quantity
from bnexp.comparisons.judges.gradient_flow import by_layer
from bnexp.comparisons.measure import readings
from bnexp.report.labels import listed
from bnexp.report.theory import predicted_ratio
from bnexp.runs.tables import Runs

FIRST, LAST = 3, -2  # hidden layers outside of these do not follow the law


def gradient_ratios(runs: Runs, choices: Choices) -> Finding:
    """I1: the gradient's ratio from layer to layer over the predicted one, by inputs and arm."""
    quantities: dict[str, Quantity] = {}
    table = []
    for (data, norm, activation), rows in runs.runs.groupby(
        ["data.name", "model.norm", "model.activation"], sort=False
    ):
        predicted = predicted_ratio({str(key): value for key, value in rows.iloc[0].items()})
        if predicted is None:
            continue
        inputs = "gaussian" if data == "synthetic" else "data"
        measured = ratio_by_layer(by_layer(runs, rows, 0))
        over = Quantity(readings(measured / predicted), "ratio", "x")
        quantities[f"{inputs}_{norm}_{activation}"] = over
        table.append(
            {
                "inputs": data,
                "norm": norm,
                "activation": activation,
                "runs": over.n,
                "measured": measured.median(),
                "predicted": predicted,
                "measured_over_predicted": over.centre,
            }
        )
    return Finding(_summary(quantities), quantities, pd.DataFrame(table))


def ratio_by_layer(norms: pd.DataFrame) -> pd.Series:
    """By seed, the geometric mean over the middle layers of the norm's ratio from one layer to
    the layer below it, towards the input.
    """
    layers = norms.columns[FIRST - 1 : LAST]
    first, last = int(layers[0]), int(layers[-1])
    return (norms[first] / norms[last]) ** (1 / (last - first))


def _summary(quantities: dict[str, Quantity]) -> str:
    words = []
    for inputs, name in (("gaussian", "Gaussian inputs"), ("data", "data")):
        off = {
            key.removeprefix(f"{inputs}_").replace("_", " "): abs(quantity.centre - 1)
            for key, quantity in quantities.items()
            if key.startswith(f"{inputs}_")
        }
        if off:
            worst = max(off, key=lambda arm: off[arm])
            words.append(f"{100 * off[worst]:.1f}% on {name} ({worst})")
    return (
        "Gradient ratios by layer before training differ from mean-field theory by at most "
        f"{listed(words or ['an unknown share'])}"
    )
