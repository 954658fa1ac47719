"""Which norm is best for which net (B15)."""

from dataclasses import dataclass

import pandas as pd

from bnexp.comparisons.accuracies import accuracy_row, by_norm, lead, lost, points
from bnexp.comparisons.finding import Finding
from bnexp.comparisons.measure import best, by_seed, cell
from bnexp.report.labels import norm_name
from bnexp.runs.tables import Runs

SMALL = 2  # the batch size that stands for small batches
RIVALS = ("none", "batch", "layer", "instance", "group")  # the source's table and the bare net


@dataclass(frozen=True)
class Case:
    """A kind of net and the norm that the source calls best for it."""

    words: str
    model: str
    norm: str
    small_batch: bool = False


CASES = {
    "mlp": Case("MLP", "mlp", "batch"),
    "cnn": Case("CNN", "cnn", "batch"),
    "small_batch_cnn": Case(f"CNN at batch size {SMALL}", "cnn", "group", small_batch=True),
    "rnn": Case("RNN", "rnn", "layer"),
}


def best_for(runs: Runs) -> Finding:
    """B15: by how much the norm that the source recommends leads the best of its rivals."""
    rows = runs.runs
    quantities, table, words = {}, [], []
    for name, case in CASES.items():
        arms = arms_of(rows, case)
        table += ranked(case.words, arms)
        rival = best_other(arms, case.norm)
        if case.norm in arms and rival is not None:
            quantities[name] = lead(arms[case.norm], arms[rival])
            words.append(
                f"{points(quantities[name].centre)} for {norm_name(case.norm)} "
                f"over {norm_name(rival)} ({case.words})"
            )
    summary = f"Test accuracy of the recommended norm against its best rival: {', '.join(words)}"
    return Finding(
        summary if words else "No net was trained with two norms", quantities,
        pd.DataFrame(table), notes=lost(rows),
    )  # fmt: skip


def arms_of(rows: pd.DataFrame, case: Case) -> dict[str, pd.DataFrame]:
    """The runs of every norm for this kind of net, each norm at its best learning rate."""
    rows = cell(rows, model__kind=case.model)
    rows = rows[(rows["data.batch_size"] == SMALL) == case.small_batch]
    return {norm: best(arm) for norm, arm in by_norm(rows).items()}


def best_other(arms: dict[str, pd.DataFrame], norm: str) -> str | None:
    """The rival of `norm` with the highest median validation accuracy; None where none trained."""
    medians = {
        other: by_seed(arm, "val_accuracy").median()
        for other, arm in arms.items()
        if other in RIVALS and other != norm and len(arm)
    }
    return max(medians, key=lambda other: medians[other]) if medians else None


def ranked(words: str, arms: dict[str, pd.DataFrame]) -> list[dict[str, object]]:
    """A row for each norm, the most accurate first."""
    rows: list[dict[str, object]] = [
        {"net": words, "norm": norm, "lr": arm["optimizer.lr"].iloc[0], **accuracy_row(arm)}
        for norm, arm in arms.items()
        if len(arm)
    ]
    rows.sort(key=lambda row: -float(str(row["accuracy"])))
    return [{"net": words, "rank": rank, **row} for rank, row in enumerate(rows, 1)]
