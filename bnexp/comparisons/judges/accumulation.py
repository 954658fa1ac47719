"""Small batches: norms that need no batch, and gradients accumulated over several (B14)."""

import pandas as pd

from bnexp.comparisons.accuracies import accuracy_row, lead, lost, points
from bnexp.comparisons.finding import Finding, Quantity
from bnexp.comparisons.measure import by_seed, cell, difference, measurements, measures, refused
from bnexp.report.labels import number
from bnexp.runs.tables import Runs

SMALL, PARTS = 4, 8
LARGE = SMALL * PARTS


def small_batches(runs: Runs) -> Finding:
    """B14: training at batch size 1, and whether accumulation makes 8 batches of 4 one of 32."""
    rows = runs.runs[runs.runs["model.norm"].notna()]
    quantities = {
        f"{norm}_at_1": gain(runs, cell(rows, model__norm=norm, data__batch_size=1))
        for norm in ("layer", "group")
    }
    ones = cell(rows, model__norm="batch", data__batch_size=1)
    if len(ones):
        quantities["batch_refused"] = Quantity.fact(
            100 * len(refused(ones)) / len(ones), "% of runs refused"
        )
    for norm in ("batch", "layer"):
        quantities[f"{norm}_gradient"] = Quantity(checked(runs, norm, "gradient_difference"))
        quantities[f"{norm}_accumulated"] = lead(
            arm(rows, norm, SMALL, PARTS), arm(rows, norm, LARGE, 1)
        )
        quantities[f"{norm}_small"] = lead(arm(rows, norm, SMALL, 1), arm(rows, norm, LARGE, 1))
    samples = checked(runs, "batch", "samples_per_statistic")
    if len(samples):
        quantities["samples"] = Quantity.fact(samples.max(), "samples")
    return Finding(
        _summary(quantities),
        {name: quantity for name, quantity in quantities.items() if quantity.n},
        _table(rows),
        notes=_notes(rows, quantities),
    )


def arm(rows: pd.DataFrame, norm: str, size: int, parts: int) -> pd.DataFrame:
    """The runs with this norm, batch size and number of accumulated batches."""
    return cell(rows, model__norm=norm, data__batch_size=size, training__accumulate=parts)


def gain(runs: Runs, rows: pd.DataFrame) -> Quantity:
    """Test accuracy after training less that before it, in points; only runs that trained."""
    first = runs.epochs.sort_values("step").groupby("run")["test_accuracy"].first()
    rows = rows.assign(before=rows["run"].map(first))
    return difference(by_seed(rows, "test_accuracy"), by_seed(rows, "before"))


def checked(runs: Runs, norm: str, name: str) -> pd.Series:
    """A number of the check `accumulation` by seed."""
    rows = measurements(runs, "accumulation")
    if not len(rows):
        return pd.Series(dtype=float)
    found = measures(runs, rows, name)
    return found[found["layer"] == norm].set_index("seed")["value"]


def _table(rows: pd.DataFrame) -> pd.DataFrame:
    keys = ["model.norm", "data.batch_size", "training.accumulate"]
    table = [
        found[[*keys, "optimizer.lr"]].iloc[0].to_dict() | accuracy_row(found)
        for _, found in rows.groupby(keys, sort=False)
    ]
    return pd.DataFrame(table)


def _summary(quantities: dict[str, Quantity]) -> str:
    words = []
    if "samples" in quantities and quantities["batch_gradient"].n:
        words.append(
            f"Of four accumulated batches of 8, batch norm's statistics see "
            f"{number(quantities['samples'].centre)} samples each, and the gradient differs from "
            f"that of one batch of 32 by {number(100 * quantities['batch_gradient'].centre)}%"
        )
    if quantities["batch_accumulated"].n:
        words.append(
            f"batches of {SMALL} accumulated to {LARGE} have "
            f"{points(quantities['batch_accumulated'].centre)} of accuracy against batches of "
            f"{LARGE}"
        )
    return "; ".join(words) or "Not measured"


def _notes(rows: pd.DataFrame, quantities: dict[str, Quantity]) -> tuple[str, ...]:
    notes = list(lost(rows))
    for reason in refused(rows)["reason"].unique()[:1]:
        notes.append(f"Refused: {reason}")
    control = quantities["layer_accumulated"]
    if control.n:
        notes.append(
            f"Layer norm, accumulated against batches of {LARGE}: {points(control.centre)}."
        )
    return tuple(notes)
