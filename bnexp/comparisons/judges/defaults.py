"""Batch norm's defaults, and what changing one of them does (B34)."""

from typing import Any

import pandas as pd

from bnexp.comparisons.accuracies import accuracy_row, lead, lost, points
from bnexp.comparisons.choices import Choices
from bnexp.comparisons.finding import Finding
from bnexp.comparisons.measure import cell
from bnexp.report.labels import listed
from bnexp.runs.tables import Runs

OPTION = "model__norm_options__"
DEFAULT: dict[str, Any] = {
    f"{OPTION}momentum": 0.1, f"{OPTION}eps": 1e-5, f"{OPTION}initial_scale": 1.0,
    f"{OPTION}initial_shift": 0.0,
}  # fmt: skip
CHANGES: dict[str, tuple[str, dict[str, Any]]] = {
    "momentum_down": ("momentum 0.03", {f"{OPTION}momentum": 0.03}),
    "momentum_up": ("momentum 0.3", {f"{OPTION}momentum": 0.3}),
    "eps_down": ("eps 1e-7", {f"{OPTION}eps": 1e-7}),
    "eps_up": ("eps 0.01", {f"{OPTION}eps": 0.01}),
    "scale_down": ("gamma 0.3", {f"{OPTION}initial_scale": 0.3}),
    "scale_up": ("gamma 3", {f"{OPTION}initial_scale": 3.0}),
    "shift_down": ("beta -1", {f"{OPTION}initial_shift": -1.0}),
    "shift_up": ("beta 1", {f"{OPTION}initial_shift": 1.0}),
}


def flatness(runs: Runs, choices: Choices) -> Finding:
    """B34: test accuracy at the defaults less that with one of them changed, in points."""
    default = cell(runs.runs, **DEFAULT)
    arms = {name: cell(runs.runs, **DEFAULT | change) for name, (_, change) in CHANGES.items()}
    quantities = {name: lead(default, arm) for name, arm in arms.items()}
    told = [
        f"{points(-quantities[name].centre)} with {words}"
        for name, (words, _) in CHANGES.items()
        if quantities[name].n
    ]
    named = {"defaults": default} | {CHANGES[name][0]: arm for name, arm in arms.items()}
    table = [{"arm": name} | accuracy_row(arm) for name, arm in named.items() if len(arm)]
    return Finding(
        f"Against the defaults test accuracy changes by {listed(told)}"
        if told
        else "Nothing was measured",
        quantities,
        pd.DataFrame(table),
        notes=lost(runs.runs),
    )
