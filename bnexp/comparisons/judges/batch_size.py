"""Accuracy by batch size (B13)."""

from dataclasses import replace

import pandas as pd

from bnexp.comparisons.accuracies import accuracy_row, lead, lost, points
from bnexp.comparisons.finding import Finding, Quantity
from bnexp.comparisons.measure import (
    by_seed,
    cell,
    difference,
    measurements,
    measures,
    refused,
    trained,
)
from bnexp.report.labels import number
from bnexp.runs.tables import Runs

SIZE, RATE = "data.batch_size", "optimizer.lr"
GOOD = 32  # from here on the source calls the statistics good
CLOSE = 3.0  # points below the accuracy at GOOD that still count as close


def by_batch_size(runs: Runs) -> Finding:
    """B13: test accuracy of every norm at every batch size, the images seen held fixed."""
    rows = runs.runs[runs.runs["model.norm"].notna()]
    batch = cell(rows, model__norm="batch")
    table = accuracies(runs, rows)
    quantities = {
        "refused_at_1": refused_share(cell(batch, data__batch_size=1)),
        "mismatch_at_2": mismatch(runs, cell(batch, data__batch_size=2)),
        **{f"batch_at_{size}": below_good(batch, size) for size in (2, 8, 16)},
        **{
            f"{norm}_at_1": below_good(cell(rows, model__norm=norm), 1)
            for norm in ("layer", "group")
        },
    }
    return Finding(
        _summary(quantities, knee(table)), quantities, table, notes=_notes(runs, rows)
    )  # fmt: skip


def accuracies(runs: Runs, rows: pd.DataFrame) -> pd.DataFrame:
    """A row for each norm and batch size, with the steps taken and the learning rate."""
    rows = rows.assign(train_mode=rows["run"].map(train_mode(runs)))
    table = []
    for _, arm in rows.groupby(["model.norm", SIZE]):
        head = {
            "norm": arm["model.norm"].iloc[0],
            "batch_size": int(arm[SIZE].iloc[0]),
            "steps": arm["steps"].max(),
            "lr": arm[RATE].iloc[0],
        }
        in_batches = {"train_mode": 100 * trained(arm)["train_mode"].mean()}
        table.append(head | accuracy_row(arm) | in_batches)
    return pd.DataFrame(table)


def train_mode(runs: Runs) -> pd.Series:
    """Final test accuracy with batch statistics, by run; only norms that use them have it."""
    last = runs.epochs.sort_values("step").groupby("run")["test_accuracy_train_mode"]
    return last.last().astype(float)


def mismatch(runs: Runs, arm: pd.DataFrame) -> Quantity:
    """How far test accuracies with batch and with running statistics are apart, in points."""
    arm = arm.assign(train_mode=arm["run"].map(train_mode(runs)))
    found = difference(by_seed(arm, "train_mode"), by_seed(arm, "test_accuracy"))
    return replace(found, values=found.values.abs())


def below_good(arm: pd.DataFrame, size: int) -> Quantity:
    """Test accuracy at a batch size minus that at 32, in points."""
    return lead(cell(arm, data__batch_size=size), cell(arm, data__batch_size=GOOD))


def refused_share(arm: pd.DataFrame) -> Quantity:
    """The share of runs that could not be started, in percent."""
    if arm.empty:
        return Quantity(pd.Series())
    return Quantity.fact(100 * len(refused(arm)) / len(arm), "% of runs refused")


def knee(table: pd.DataFrame) -> int | None:
    """The smallest batch size from which on batch norm is close to its accuracy at 32."""
    batch = table[table["norm"] == "batch"].set_index("batch_size")["accuracy"].sort_index()
    if GOOD not in batch or pd.isna(batch[GOOD]):
        return None
    smaller = batch.loc[:GOOD].sort_index(ascending=False)
    close = smaller >= batch[GOOD] - CLOSE
    return int(smaller[close.cummin()].index.min())


def _summary(quantities: dict[str, Quantity], knee: int | None) -> str:
    words = [
        f"{points(quantities[f'batch_at_{size}'].centre)} at batch size {size}"
        for size in (2, 8, 16)
        if quantities[f"batch_at_{size}"].n
    ]
    start = f"Against batch size {GOOD}, batch norm has {', '.join(words)}" if words else ""
    end = f"; it is within {number(CLOSE)} points from batch size {knee} on" if knee else ""
    return start + end or "Batch norm was measured at too few batch sizes"


def _notes(runs: Runs, rows: pd.DataFrame) -> tuple[str, ...]:
    notes = list(lost(rows))
    per_image = (rows[RATE].astype(float) / rows[SIZE].astype(float)).round(9).unique()
    if len(per_image) == 1:
        notes.append(
            f"The learning rate is {number(per_image[0])} times the batch size in every cell."
        )
    refusals = refused(rows)
    if len(refusals):
        notes.append(f"Refused: {refusals['reason'].iloc[0]}")
    return (*notes, *layer_alone(runs))


def layer_alone(runs: Runs) -> tuple[str, ...]:
    """What PyTorch's layers do with a batch of one, from the check `refusals`."""
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
