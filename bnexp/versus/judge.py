"""The judge of `bnexp compare`: every arm against the control, by any metric."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from bnexp.comparisons.choices import Choices
from bnexp.comparisons.finding import Finding, Quantity
from bnexp.comparisons.measure import cell
from bnexp.comparisons.words import shown, with_unit
from bnexp.runs.tables import Runs
from bnexp.versus.metrics import Metric

CHOICE = "best"  # the name of the rule that gives an arm its rate


def pairs(
    runs: Runs,
    choices: Choices,
    *,
    metric: str,
    control: str,
    arms: Mapping[str, Mapping[str, Any]],
) -> Finding:
    """A quantity for each arm but the control; `arms` are keys and values by label."""
    by = Metric.of(metric)
    found = {
        label: by.read(runs, rows_of(runs.runs, choices, keys), choices, keys)
        for label, keys in arms.items()
    }
    quantities = {
        label: by.against(readings, found[control])
        for label, readings in found.items()
        if label != control
    }
    own = {label: Quantity(readings, by.kind) for label, readings in found.items()}
    table = pd.DataFrame(
        [
            {"arm": label, "seeds": one.n, "median": one.centre, "mean": one.mean}
            for label, one in own.items()
        ]
    )
    told = [f"{label} {with_unit(shown(one), one)}" for label, one in quantities.items() if one.n]
    summary = f"{by.title}, against {control}: {', '.join(told) or 'not measured'}"
    return Finding(summary, quantities, table)


def rows_of(rows: pd.DataFrame, choices: Choices, keys: Mapping[str, Any]) -> pd.DataFrame:
    """An arm's runs at the rate that pilots chose for it; all where the rate is its own."""
    chosen = [one for one in choices.of_kind("choice", CHOICE) if one.is_for(keys)]
    found = cell(rows, **keys)
    return cell(found, **{chosen[0].key: chosen[0].value}) if chosen else found
