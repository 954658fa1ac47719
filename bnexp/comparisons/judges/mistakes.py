"""The source's five mistakes, each with what it costs (B18)."""

import pandas as pd

from bnexp.comparisons.accuracies import accuracy_row, lead, lost, points
from bnexp.comparisons.choices import Choices
from bnexp.comparisons.finding import Finding, Quantity
from bnexp.comparisons.measure import cell, differences, measurements, measures
from bnexp.report.labels import canonical, listed
from bnexp.runs.tables import Runs

SMALL, GOOD = 2, 32  # training batch sizes
KEYS = ["model.norm", "data.batch_size", "model.norm_output", "running_statistics"]


def costs(runs: Runs, choices: Choices) -> Finding:
    """B18: points of test accuracy that each mistake costs, or whether the layer refuses.

    What batches of 2 and a forgotten evaluation mode cost by themselves has rows of its own.
    """
    rows = runs.runs[runs.runs["model.norm"].notna()]
    rows = rows.assign(running_statistics=_tracked(rows))
    good = cell(rows, **_usual("batch", GOOD))
    layer = lead(cell(rows, **_usual("layer", GOOD)), cell(rows, **_usual("layer", SMALL)))
    small = lead(good, cell(rows, **_usual("batch", SMALL)))
    untracked = cell(rows, **_usual("batch", GOOD) | {"running_statistics": False})
    output = cell(rows, **_usual("batch", GOOD) | {"model__norm_output": True})
    beyond = differences(small.readings, layer.readings)
    quantities = {
        "batch_of_two_beyond_layer": Quantity(beyond, unit="points"),
        "norm_on_output": lead(good, output),
        "untracked_large_batches": lead(good, untracked),
    }
    messages = raised(runs)
    for name, case in (
        ("wrong_layer", "images_in_1d"),
        ("untracked_alone", "one_sample_in_eval_untracked"),
    ):
        if case in messages:
            quantities[name] = Quantity.fact(100 * messages[case][0], "% of calls refused")
    return Finding(
        _summary(quantities), quantities, _table(rows), notes=(*lost(rows), *_notes(messages))
    )


def raised(runs: Runs) -> dict[str, tuple[float, str]]:
    """For every input of the measurement `refusals`: 1 if the layer raises, and its message."""
    rows = measurements(runs, "refusals")
    found = {}
    for name in ("images_in_1d", "batch_of_one", "one_sample_in_eval_untracked"):
        told = measures(runs, rows, name) if len(rows) else pd.DataFrame()
        if len(told):
            found[name] = (float(told["value"].min()), str(told["layer"].iloc[0]))
    return found


def _usual(norm: str, size: int) -> dict[str, object]:
    return {"model__norm": norm, "data__batch_size": size, "model__norm_output": False,
            "running_statistics": True}  # fmt: skip


def _tracked(rows: pd.DataFrame) -> pd.Series:
    """Whether running statistics are kept; norms without them count as yes."""
    column = rows.get("model.norm_options.track_running_stats", pd.Series(True, rows.index))
    return column.map(lambda value: canonical(value) != "false").astype(bool)


def _table(rows: pd.DataFrame) -> pd.DataFrame:
    table = [
        found[[*KEYS, "optimizer.lr"]].iloc[0].to_dict() | accuracy_row(found)
        for _, found in rows.groupby(KEYS, sort=False)
    ]
    return pd.DataFrame(table)


def _summary(quantities: dict[str, Quantity]) -> str:
    told = {
        "batch_of_two_beyond_layer": "training in batches of 2, beyond what layer norm loses,",
        "norm_on_output": "batch norm on the output",
        "untracked_large_batches": "no running statistics",
    }
    words = [
        f"{name} {points(-quantities[key].centre)}"
        for key, name in told.items()
        if quantities[key].n
    ]
    return f"Accuracy changes: {listed(words)}" if words else "Not measured"


def _notes(messages: dict[str, tuple[float, str]]) -> list[str]:
    told = {
        "images_in_1d": "BatchNorm1d on (N, C, H, W)",
        "batch_of_one": "BatchNorm1d in training on one sample",
        "one_sample_in_eval_untracked": (
            "BatchNorm1d without running statistics in evaluation on one sample"
        ),
    }
    return [f"{told[name]}: {text}." for name, (_, text) in messages.items()]
