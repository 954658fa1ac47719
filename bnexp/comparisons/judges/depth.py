"""How deep a plain net may be (B21)."""

import pandas as pd

from bnexp.comparisons.accuracies import lead, lost
from bnexp.comparisons.choices import Choices
from bnexp.comparisons.finding import Finding, Quantity
from bnexp.comparisons.measure import cell, ratios, searched
from bnexp.comparisons.words import shown
from bnexp.report.labels import norm_name
from bnexp.runs.tables import Runs

NORMS = ("none", "batch")
DEEP = 20  # hidden layers at which accuracies are held against each other


def deepest(runs: Runs, choices: Choices) -> Finding:
    """B21: the depth up to which nets train, by seed, and test accuracy at 20 hidden layers."""
    reach = {norm: searched(runs.runs, choices, "deepest", model__norm=norm) for norm in NORMS}
    none, batch = (cell(runs.runs, model__norm=norm, model__depth=DEEP) for norm in NORMS)
    quantities = {
        "deeper": Quantity(ratios(reach["batch"], reach["none"]), "ratio", "x"),
        "deepest": Quantity(reach["batch"], unit="layers"),
        "deep_accuracy": lead(batch, none),
    }
    table = pd.DataFrame(
        [
            {"norm": norm_name(norm), "seed": seed, "trains_at": found.low, "fails_at": found.high}
            for norm, ends in reach.items()
            for seed, found in ends.items()
        ]
    )
    told = [f"{shown(Quantity(reach[norm]))} ({norm_name(norm)})" for norm in NORMS if reach[norm]]
    summary = (
        f"Plain nets train up to {' and '.join(told)} hidden layers"
        if told
        else ("No depth was searched to its end")
    )
    return Finding(summary, quantities, table, notes=lost(runs.runs))
