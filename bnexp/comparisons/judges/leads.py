"""Accuracies of norms against each other, each at the learning rate that pilots chose for it."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from bnexp.comparisons.accuracies import accuracy_row, lead
from bnexp.comparisons.choices import Choices
from bnexp.comparisons.finding import Quantity
from bnexp.report.labels import listed, norm_name

Arms = dict[str, pd.DataFrame]


def at_chosen_rates(
    rows: pd.DataFrame, choices: Choices, norms: Sequence[str], rule: str = "best", **keys: Any
) -> Arms:
    """The runs of every norm at its chosen rate; `keys` name the rest of the arm."""
    return {norm: choices.chosen(rows, rule, model__norm=norm, **keys) for norm in norms}


def leads(arms: Arms, pairs: Mapping[str, tuple[str, str]]) -> dict[str, Quantity]:
    """By name, the test accuracy of the first arm of each pair minus that of the second."""
    return {name: lead(arms[a], arms[b]) for name, (a, b) in pairs.items()}


def table_of(arms: Arms, **head: Any) -> list[dict[str, Any]]:
    """A row for every arm that ran."""
    return [
        head | {"norm": norm, "learning_rate": arm["optimizer.lr"].iloc[0]} | accuracy_row(arm)
        for norm, arm in arms.items()
        if len(arm)
    ]


def told(arms: Arms) -> str:
    """ "97.1% (batch norm) and 96.2% (no norm)"."""
    found = {norm: accuracy_row(arm)["accuracy"] for norm, arm in arms.items() if len(arm)}
    words = [f"{value:.1f}% ({norm_name(norm)})" for norm, value in found.items() if value == value]
    return listed(words) if words else "not measured"
