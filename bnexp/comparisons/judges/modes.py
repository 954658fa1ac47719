"""What evaluating in training mode does to predictions (B4)."""

import pandas as pd

from bnexp.comparisons.accuracies import lost, points
from bnexp.comparisons.choices import Choices
from bnexp.comparisons.finding import Finding, Quantity
from bnexp.comparisons.measure import cell, differences, measures, readings, trained
from bnexp.report.labels import listed, percent
from bnexp.runs.tables import Runs

SIZES = (2, 8, 32, 128)  # of evaluation batches
NET = 32  # the training batch size of the net that is judged


def companions(runs: Runs, choices: Choices) -> Finding:
    """B4: for nets trained at batch size 32, how many predictions depend on the companions, by the
    size of the evaluation batch, and how much accuracy training mode costs.

    The table has every training batch size.
    """
    net = cell(runs.runs, data__batch_size=NET)
    quantities = {f"changed_{size}": changed(runs, net, f"batch_{size}") for size in SIZES}
    quantities |= {f"lost_{size}": accuracy_lost(runs, net, size) for size in SIZES}
    quantities["changed_eval"] = changed(runs, net, "eval")
    return Finding(
        _summary(quantities),
        quantities,
        by_training_size(runs, trained(runs.runs)),
        notes=(
            *lost(runs.runs),
            "64 validation images, each in 8 random batches of training images; a class counts as "
            "changed when it is not the same in all 8.",
        ),
    )


def changed(runs: Runs, rows: pd.DataFrame, what: str) -> Quantity:
    """Percent of the examples whose class is not always the same."""
    share = 100 * (1 - measured(runs, rows, f"agreement_{what}"))
    return Quantity(readings(share), unit="points")


def accuracy_lost(runs: Runs, rows: pd.DataFrame, size: int) -> Quantity:
    """Accuracy in evaluation mode less that in training mode in batches of `size`, in points."""
    modes = ("accuracy_eval", f"accuracy_batch_{size}")
    evaluation, training = (readings(100 * measured(runs, rows, name)) for name in modes)
    return Quantity(differences(evaluation, training), unit="points")


def measured(runs: Runs, rows: pd.DataFrame, name: str) -> pd.Series:
    """The last value of a measure, by seed; `rows` are one arm."""
    found = measures(runs, rows, name).sort_values("step")
    return found.groupby("seed")["value"].last()


def by_training_size(runs: Runs, rows: pd.DataFrame) -> pd.DataFrame:
    """By training batch size: test accuracy in percent in both modes, and agreement."""
    last = runs.epochs.sort_values("step").groupby("run").last()
    table = []
    for _, arm in rows.groupby("data.batch_size"):
        final = last.reindex(arm["run"])
        row = {
            "training_batch_size": int(arm["data.batch_size"].iloc[0]),
            "n": len(arm),
            "evaluation_mode": 100 * final["test_accuracy"].mean(),
            "training_mode": 100 * final["test_accuracy_train_mode"].mean(),
        }
        for batch in SIZES:
            row[f"same_class_in_batches_of_{batch}"] = (
                100 * measured(runs, arm, f"agreement_batch_{batch}").mean()
            )
        table.append(row)
    return pd.DataFrame(table)


def _summary(quantities: dict[str, Quantity]) -> str:
    shares = [
        f"{percent(quantities[f'changed_{size}'].centre / 100)} of images in batches of {size}"
        for size in SIZES
        if quantities[f"changed_{size}"].n
    ]
    if not shares:
        return "Nothing was measured"
    small = quantities[f"lost_{SIZES[0]}"].centre
    return (
        f"In training mode companions change the class of {listed(shares)}; in "
        f"batches of {SIZES[0]} accuracy changes by {points(-small)}"
    )
