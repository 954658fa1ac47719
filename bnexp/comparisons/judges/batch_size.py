"""Accuracy by batch size (B13)."""

import pandas as pd

from bnexp.comparisons.accuracies import accuracy_row, lead, lost, points
from bnexp.comparisons.choices import Choices
from bnexp.comparisons.finding import Finding, Quantity
from bnexp.comparisons.measure import (
    accuracies,
    by_group,
    cell,
    differences,
    measurements,
    measures,
    refused,
)
from bnexp.comparisons.readings import Reading
from bnexp.report.labels import number
from bnexp.runs.tables import Runs

SIZE, RATE = "data.batch_size", "optimizer.lr"
GOOD = 32  # from here on the source calls the statistics good


def by_batch_size(runs: Runs, choices: Choices) -> Finding:
    """B13: test accuracy of every norm at every batch size, each at its best rate by the pilots."""
    rows = runs.runs[runs.runs["model.norm"].notna()]
    rows = rows.assign(train_mode=rows["run"].map(train_mode(runs)))
    quantities = {
        "refused_at_1": refused_share(cell(rows, model__norm="batch", data__batch_size=1)),
        "mismatch_at_2": mismatch(arm(rows, choices, "batch", 2)),
        **{f"batch_at_{size}": below_good(rows, choices, "batch", size) for size in (2, 8, 16)},
        **{f"{norm}_at_1": below_good(rows, choices, norm, 1) for norm in ("layer", "group")},
    }
    return Finding(
        _summary(quantities),
        {name: quantity for name, quantity in quantities.items() if quantity.n},
        table(rows),
        notes=_notes(runs, rows),
    )


def arm(rows: pd.DataFrame, choices: Choices, norm: str, size: int) -> pd.DataFrame:
    """The runs of a norm at a batch size, at the chosen rate."""
    return choices.chosen(rows, "best", model__norm=norm, data__batch_size=size)


def below_good(rows: pd.DataFrame, choices: Choices, norm: str, size: int) -> Quantity:
    """Test accuracy at a batch size minus that at 32, in points."""
    return lead(arm(rows, choices, norm, size), arm(rows, choices, norm, GOOD))


def mismatch(rows: pd.DataFrame) -> Quantity:
    """How far test accuracies with batch and with running statistics are apart, in points."""
    found = differences(accuracies(rows, "train_mode"), accuracies(rows))
    return Quantity({seed: absolute(reading) for seed, reading in found.items()}, unit="points")


def absolute(reading: Reading) -> Reading:
    """The reading of the absolute value."""
    ends = sorted((abs(reading.low), abs(reading.high)))
    return Reading(0.0 if reading.low < 0 < reading.high else ends[0], ends[1])


def refused_share(rows: pd.DataFrame) -> Quantity:
    """The share of runs that could not be started, in percent."""
    if rows.empty:
        return Quantity({})
    return Quantity.fact(100 * len(refused(rows)) / len(rows), "% of runs refused")


def table(rows: pd.DataFrame) -> pd.DataFrame:
    """A row for each norm and batch size, with the steps taken and the learning rate."""
    found = []
    for keys, mine in by_group(rows, ["model.norm", SIZE]):
        found.append(
            {
                "norm": keys["model.norm"],
                "batch_size": keys[SIZE],
                "lr": mine[RATE].iloc[0],
                **accuracy_row(mine),
                "train_mode": 100 * mine["train_mode"].mean(),
            }
        )
    return pd.DataFrame(found)


def train_mode(runs: Runs) -> pd.Series:
    """Final test accuracy with batch statistics, by run; only norms that use them have it."""
    last = runs.epochs.sort_values("step").groupby("run")["test_accuracy_train_mode"]
    return last.last().astype(float)


def _summary(quantities: dict[str, Quantity]) -> str:
    words = [
        f"{points(quantities[f'batch_at_{size}'].centre)} at batch size {size}"
        for size in (2, 8, 16)
        if quantities[f"batch_at_{size}"].n
    ]
    if not words:
        return "Batch norm was measured at too few batch sizes"
    return f"Against batch size {GOOD}, batch norm has {', '.join(words)}"


def _notes(runs: Runs, rows: pd.DataFrame) -> tuple[str, ...]:
    refusals = refused(rows)
    told = [f"Refused: {reason}" for reason in refusals["reason"].unique()[:1]]
    return (*lost(rows), *told, *layer_alone(runs))


def layer_alone(runs: Runs) -> tuple[str, ...]:
    """What PyTorch's layers do with a batch of one, from the measurement `refusals`."""
    rows = measurements(runs, "refusals")
    notes = [
        f"BatchNorm1d by itself on one sample: {message}"
        for message in measures(runs, rows, "batch_of_one")["layer"].unique()
    ]
    difference = measures(runs, rows, "difference_from_instance_norm")["value"].max()
    if pd.notna(difference):
        notes.append(
            "BatchNorm2d on one image has the pixels to take statistics from, and is instance "
            f"norm: they differ by {number(difference)} at most."
        )
    return tuple(notes)
