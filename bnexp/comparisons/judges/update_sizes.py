"""Whether all layers learn at similar rates (B33)."""

import numpy as np
import pandas as pd

from bnexp.comparisons.accuracies import lost
from bnexp.comparisons.choices import Choices
from bnexp.comparisons.finding import Finding, Quantity
from bnexp.comparisons.measure import cell, measures, ratios, readings
from bnexp.report.labels import norm_name, number
from bnexp.runs.tables import Runs

NORMS = ("none", "batch", "layer")


def by_layer(runs: Runs, choices: Choices) -> Finding:
    """B33: the spread over hidden layers of the relative size of an update, by norm.

    A layer counts with the geometric mean over recorded steps; the spread is the standard deviation
    of its logarithm over the hidden layers, as a factor.
    """
    sizes = {norm: updates(runs, cell(runs.runs, model__norm=norm)) for norm in NORMS}
    spread = {norm: readings(np.exp(np.log(of).std(axis=1))) for norm, of in sizes.items()}
    ends = {norm: readings(of.iloc[:, 0] / of.iloc[:, -1]) for norm, of in sizes.items() if len(of)}
    quantities = {
        "more_alike": Quantity(ratios(spread["none"], spread["batch"]), "ratio", "x"),
        "first_over_last": Quantity(ends.get("batch", {}), "ratio", "x"),
    }
    table = [
        {"norm": norm_name(norm), "spread": Quantity(spread[norm], "ratio").centre}
        | {f"layer_{index}": of[index].median() for index in of}
        for norm, of in sizes.items()
        if len(of)
    ]
    told = [
        f"{number(Quantity(spread[norm], 'ratio').centre)} ({norm_name(norm)})"
        for norm in NORMS
        if spread[norm]
    ]
    return Finding(
        f"Relative updates of hidden layers differ by a factor of {', '.join(told)}"
        if told
        else "Nothing was measured",
        quantities,
        pd.DataFrame(table),
        notes=lost(runs.runs),
    )


def updates(runs: Runs, rows: pd.DataFrame) -> pd.DataFrame:
    """Relative size of an update: one row a seed, one column a hidden layer, from 1."""
    found = measures(runs, rows, "relative_update")
    found = found[(found["value"] > 0) & np.isfinite(found["value"])]
    order = list(dict.fromkeys(found["layer"]))
    logs = np.log(found["value"].astype(float))
    table = np.exp(logs.groupby([found["seed"], found["layer"]]).mean()).unstack("layer")
    return table[order[:-1]].set_axis(range(1, len(order)), axis=1) if order else pd.DataFrame()
