"""Which norm is best for which net (B15)."""

from dataclasses import dataclass

import pandas as pd

from bnexp.comparisons.accuracies import accuracy_row, lead, lost, points
from bnexp.comparisons.choices import Choices
from bnexp.comparisons.finding import Finding, Quantity
from bnexp.comparisons.measure import cell
from bnexp.report.labels import norm_name
from bnexp.runs.tables import Runs

SMALL = 2  # the batch size that stands for small batches


@dataclass(frozen=True)
class Case:
    """A kind of net, the norm that the source calls best for it, and that norm's rivals."""

    words: str
    model: str
    norm: str
    rivals: tuple[str, ...]
    rule: str = "best"


CASES = {
    "mlp": Case("MLP", "mlp", "batch", ("none", "layer", "group")),
    "cnn": Case("CNN", "cnn", "batch", ("none", "layer", "group", "instance")),
    "small": Case(
        f"CNN at batch size {SMALL}", "cnn", "group", ("none", "batch", "layer", "instance"),
        rule="small",
    ),
}  # fmt: skip


def best_for(runs: Runs, choices: Choices) -> Finding:
    """B15: by how much the norm that the source recommends leads each of the others.

    Every norm is at the learning rate that pilots found best for it.
    """
    quantities: dict[str, Quantity] = {}
    table: list[dict[str, object]] = []
    words: list[str] = []
    for name, case in CASES.items():
        arms = arms_of(runs.runs, choices, case)
        table += ranked(case.words, arms)
        leads = {rival: lead(arms[case.norm], arms[rival]) for rival in case.rivals}
        quantities |= {f"{name}_over_{rival}": found for rival, found in leads.items()}
        told = [f"{points(q.centre)} over {norm_name(rival)}" for rival, q in leads.items() if q.n]
        if told:
            words.append(f"{norm_name(case.norm)} leads by {', '.join(told)} ({case.words})")
    text = "; ".join(words) or "no net was trained with two norms"
    return Finding(
        text[0].upper() + text[1:], quantities, pd.DataFrame(table), notes=lost(runs.runs)
    )


def arms_of(rows: pd.DataFrame, choices: Choices, case: Case) -> dict[str, pd.DataFrame]:
    """The runs of every norm for this kind of net, each at its chosen learning rate."""
    rows = cell(rows, model__kind=case.model)
    rows = rows[(rows["data.batch_size"] == SMALL) == (case.rule == "small")]
    return {
        norm: choices.chosen(rows, case.rule, model__kind=case.model, model__norm=norm)
        for norm in (case.norm, *case.rivals)
    }


def ranked(words: str, arms: dict[str, pd.DataFrame]) -> list[dict[str, object]]:
    """A row for each norm, the most accurate first."""
    rows: list[dict[str, object]] = [
        {"net": words, "norm": norm, "lr": arm["optimizer.lr"].iloc[0], **accuracy_row(arm)}
        for norm, arm in arms.items()
        if len(arm)
    ]
    rows.sort(key=lambda row: -float(str(row["accuracy"])))
    return [{"net": words, "rank": rank, **row} for rank, row in enumerate(rows, 1)]
