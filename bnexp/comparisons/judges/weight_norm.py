"""Weight norm by batch size, and what it leaves of the drift (B35)."""

import pandas as pd

from bnexp.comparisons.accuracies import accuracy_row, lead, lost, points
from bnexp.comparisons.choices import Choices
from bnexp.comparisons.finding import Finding
from bnexp.comparisons.judges.drift import alive, drift, over, received
from bnexp.comparisons.measure import cell
from bnexp.report.labels import number
from bnexp.runs.tables import Runs

SMALL, GOOD = 2, 32


def of_weights(runs: Runs, choices: Choices) -> Finding:
    """B35: test accuracy at batch size 2 against 32, and the drift of layers' inputs over that with
    batch norm and without norm.
    """
    drifting = runs.runs[runs.runs["training.max_steps"].notna()]
    rows = runs.runs[runs.runs["training.max_steps"].isna()]
    sizes = {
        size: cell(rows, model__norm="weight", data__batch_size=size) for size in (SMALL, GOOD)
    }
    drifts = {
        norm: drift(received(runs, alive(cell(drifting, model__norm=norm))))
        for norm in ("none", "batch", "weight")
    }
    quantities = {
        "at_2": lead(sizes[SMALL], sizes[GOOD]),
        "drift_over_batch": over(drifts["weight"], drifts["batch"]),
        "drift_over_none": over(drifts["weight"], drifts["none"]),
    }
    table = [{"batch_size": size} | accuracy_row(arm) for size, arm in sizes.items() if len(arm)]
    words = []
    if quantities["at_2"].n:
        words.append(f"has {points(quantities['at_2'].centre)} at batch size 2 against 32")
    if quantities["drift_over_batch"].n:
        words.append(
            f"leaves {number(quantities['drift_over_batch'].centre)} times the drift of batch norm"
        )
    return Finding(
        f"Weight norm {' and '.join(words)}" if words else "Nothing was measured",
        quantities,
        pd.DataFrame(table),
        notes=lost(runs.runs),
    )
