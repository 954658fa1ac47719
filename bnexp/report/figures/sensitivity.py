"""Final accuracy against a number of the configuration: batch size, depth, dropout, ..."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D

from bnexp.errors import UserError
from bnexp.report.arms import Arm, Source, find_arms
from bnexp.report.chart import Chart, style
from bnexp.report.figures.drawing import (
    dodge,
    draw_lost,
    final_accuracy,
    lost_words,
    percent_axis,
    sweep_handles,
)
from bnexp.report.filters import known
from bnexp.report.labels import key_name, listed, percent
from bnexp.report.shortlist import is_number, shortlist
from bnexp.report.statistics import mean_t
from bnexp.report.style import MUTED, PAPER

MODES = {"evaluation": "test_accuracy", "training": "test_accuracy_train_mode"}
METHOD = (
    "Final test accuracy: mean over the trained runs with the 95% t interval. In training mode, "
    "norms with batch statistics take them from the batch; that accuracy is measured on the first "
    "2,000 test images. What else is held fixed: every other key of the configuration, epochs "
    "included."
)


def batch_size(source: Source) -> Chart:
    """Draw final accuracy against the batch size, in evaluation and in training mode."""
    return sensitivity(source, key="data.batch_size")


def sensitivity(source: Source, *, key: str) -> Chart:
    """Draw final accuracy against the number `key`, in evaluation and in training mode."""
    arms = find_arms(source)
    known(key, arms.runs.runs)
    if key not in arms.varying:
        raise UserError(f"sensitivity: all runs have the same {key}")
    if not is_number(arms, key):
        raise UserError(f"sensitivity: {key} is no number")
    lines = shortlist(arms, keep=key).without(key)
    values = sorted(lines.runs.runs[key].dropna().unique())
    final = _train_mode(lines.runs.epochs)
    with style():
        chart = Chart("sensitivity", lines, 3.6)
        chart.key = key
        ax = chart.subplots()
        rows = []
        drawn_train_mode = False
        for arm in lines:
            runs = arm.runs.join(final, on="run")
            cells = {value: runs[runs[key] == value] for value in values}
            cells = {value: cell for value, cell in cells.items() if len(cell)}
            rows += [_row(arm, key, value, cell) for value, cell in cells.items()]
            _draw_lost(ax, arm, cells, values)
            drawn_train_mode |= _draw_mode(ax, arm, len(lines), cells, values, "training")
            _draw_mode(ax, arm, len(lines), cells, values, "evaluation")
        ax.set_xticks(range(len(values)), [f"{value:g}" for value in values])
        ax.set(xlabel=key_name(key), ylabel="final test accuracy")
        percent_axis(ax.yaxis)
        entries = sweep_handles(lines)
        if drawn_train_mode:
            entries.append(
                Line2D([], [], color=MUTED, marker="o", label="in training mode", **HOLLOW)
            )
        points = "Points: mean over trained runs; bars: 95% t interval, cut at 0 and 100%."
        frame = pd.DataFrame(rows)
        footer = f"{points} {lost_words(lines)}"
        return chart.finish(_finding(frame, key), METHOD, frame, entries, footer)


HOLLOW: dict[str, Any] = {"linestyle": ":", "linewidth": 1.1, "markerfacecolor": PAPER}


def _train_mode(epochs: pd.DataFrame) -> pd.Series:
    """The last training-mode test accuracy of each run."""
    last = epochs.sort_values("epoch", kind="stable").groupby("run")["test_accuracy_train_mode"]
    return last.last()


def _draw_mode(
    ax: Any, arm: Arm, of: int, cells: dict[float, pd.DataFrame], values: list[float], mode: str
) -> bool:
    x, y, low, high = [], [], [], []
    for value, cell in cells.items():
        accuracy = cell[cell["outcome"] == "trained"][MODES[mode]].astype(float).dropna()
        if len(accuracy):
            estimate = mean_t(accuracy, 0, 1)
            x.append(values.index(value) + dodge(arm, of))
            y.append(estimate.centre)
            low.append(np.nan_to_num(estimate.centre - estimate.low))
            high.append(np.nan_to_num(estimate.high - estimate.centre))
    if not x:
        return False
    if mode == "training":
        ax.plot(x, y, color=arm.look.color, marker=arm.look.marker, **HOLLOW)
    else:
        ax.errorbar(x, y, (low, high), elinewidth=1.2, capsize=0, **arm.look.mark)
    return True


def _draw_lost(ax: Any, arm: Arm, cells: dict[float, pd.DataFrame], values: list[float]) -> None:
    for value, cell in cells.items():
        at = values.index(value)
        lost = cell[cell["outcome"] == "not trained"]
        draw_lost(ax, arm, "not trained", [at] * len(lost), lost["test_accuracy"].astype(float))
        lost = cell[cell["outcome"] == "diverged"]
        draw_lost(
            ax, arm, "diverged", [at] * len(lost), [0.015] * len(lost), ax.get_xaxis_transform()
        )


def _row(arm: Arm, key: str, value: float, cell: pd.DataFrame) -> dict[str, Any]:
    trained = cell[cell["outcome"] == "trained"]
    train_mode = trained[MODES["training"]].astype(float).dropna()
    return {
        "arm": arm.label,
        key: value,
        **final_accuracy(cell),
        "train_mode_accuracy_mean": train_mode.mean() if len(train_mode) else np.nan,
    }


def _finding(rows: pd.DataFrame, key: str) -> str:
    """Accuracy at both ends of the grid, for the arms that change most and least."""
    rows = rows.dropna(subset="test_accuracy_mean")
    changes = {}
    for arm, part in rows.groupby("arm", sort=False):
        part = part.sort_values(key)
        if len(part) > 1:
            changes[arm] = part["test_accuracy_mean"].iloc[-1] - part["test_accuracy_mean"].iloc[0]
    name = key_name(key)
    if not changes:
        return f"Final test accuracy by {name}"
    ranked = sorted(changes, key=lambda arm: -abs(changes[arm]))
    words = []
    for arm in dict.fromkeys([ranked[0], ranked[-1]]):
        part = rows[rows["arm"] == arm].sort_values(key)
        first, last = part.iloc[0], part.iloc[-1]
        words.append(
            f"from {percent(first['test_accuracy_mean'])} "
            f"to {percent(last['test_accuracy_mean'])} ({arm!s})"
        )
    low, high = f"{rows[key].min():g}", f"{rows[key].max():g}"
    return f"Between {name} {low} and {high}, test accuracy goes {listed(words)}"
