"""Gradients accumulated over several small batches in place of a large one (B14)."""

import pandas as pd

from bnexp.comparisons.accuracies import accuracy_row, lead, lost, points
from bnexp.comparisons.choices import Choices
from bnexp.comparisons.finding import Finding, Quantity
from bnexp.comparisons.measure import cell, differences, measurements, measures, readings
from bnexp.report.labels import number
from bnexp.runs.tables import Runs

SMALL, PARTS = 4, 8
LARGE = SMALL * PARTS


def small_batches(runs: Runs, choices: Choices) -> Finding:
    """B14: whether 8 accumulated batches of 4 are as good as one batch of 32.

    What layer norm loses by accumulation is subtracted from what batch norm loses: that part has
    nothing to do with batch statistics.
    """
    rows = runs.runs[runs.runs["model.norm"].notna()]
    lost_by = {
        norm: lead(arm(rows, norm, SMALL, PARTS), arm(rows, norm, LARGE, 1))
        for norm in ("batch", "layer")
    }
    beyond = differences(lost_by["batch"].readings, lost_by["layer"].readings)
    samples = measured(runs, "samples_per_statistic")
    quantities = {
        "beyond_layer": Quantity(beyond, unit="points"),
        "gradient": Quantity(readings(measured(runs, "gradient_difference"))),
    }
    if len(samples):
        quantities["samples"] = Quantity.fact(samples.iloc[0], "samples")
    return Finding(
        _summary(quantities),
        quantities,
        _table(rows),
        notes=(
            *lost(rows),
            *(
                f"{norm.capitalize()} norm, accumulated against batches of {LARGE}: "
                f"{points(found.centre)}."
                for norm, found in lost_by.items()
                if found.n
            ),
        ),
    )


def arm(rows: pd.DataFrame, norm: str, size: int, parts: int) -> pd.DataFrame:
    """The runs with this norm, batch size and number of accumulated batches."""
    return cell(rows, model__norm=norm, data__batch_size=size, training__accumulate=parts)


def measured(runs: Runs, name: str) -> pd.Series:
    """A value that the measurement `accumulation` has for batch norm, by seed."""
    rows = measurements(runs, "accumulation")
    if not len(rows):
        return pd.Series(dtype=float)
    found = measures(runs, rows, name)
    return found[found["layer"] == "batch"].set_index("seed")["value"]


def _table(rows: pd.DataFrame) -> pd.DataFrame:
    keys = ["model.norm", "data.batch_size", "training.accumulate"]
    table = [
        found[[*keys, "optimizer.lr"]].iloc[0].to_dict() | accuracy_row(found)
        for _, found in rows.groupby(keys, sort=False)
    ]
    return pd.DataFrame(table)


def _summary(quantities: dict[str, Quantity]) -> str:
    words = []
    if "samples" in quantities and quantities["gradient"].n:
        words.append(
            f"Of four accumulated batches of 8, batch norm's statistics see "
            f"{number(quantities['samples'].centre)} samples each, and the gradient differs from "
            f"that of one batch of 32 by {number(100 * quantities['gradient'].centre)}%"
        )
    if quantities["beyond_layer"].n:
        words.append(
            f"batches of {SMALL} accumulated to {LARGE} change batch norm's accuracy by "
            f"{points(quantities['beyond_layer'].centre)} more than layer norm's"
        )
    text = "; ".join(words) or "nothing was measured"
    return text[0].upper() + text[1:]
