"""Final accuracy against a number of the configuration: batch size, depth, dropout, ..."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
from matplotlib.lines import Line2D

from bnexp.errors import UserError
from bnexp.report.arms import Arm, Arms, Source, find_arms
from bnexp.report.chart import Chart, style
from bnexp.report.figures.drawing import (
    dodge,
    draw_lost_cells,
    draw_means,
    final_accuracy,
    lost_words,
    percent_axis,
    sweep_handles,
    whole,
)
from bnexp.report.labels import key_name, listed, short_percent
from bnexp.report.shortlist import is_number, shortlist
from bnexp.report.statistics import arm_accuracy
from bnexp.report.style import MUTED, PAPER
from bnexp.runs.select import known

TRAIN_MODE = "test_accuracy_train_mode"
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
    lines, values = lines_by("sensitivity", source, key)
    final = _train_mode(lines.runs.epochs)
    with style():
        chart = Chart("sensitivity", lines, 3.6)
        chart.key = key
        ax = chart.subplots()
        rows, places = [], range(len(values))
        drawn_train_mode = False
        for arm in lines:
            runs = arm.runs.join(final, on="run")
            groups = dict(iter(runs.groupby(key)))
            cells = [groups.get(value) for value in values]
            rows += [
                _row(arm, key, value, cell)
                for value, cell in zip(values, cells, strict=True)
                if cell is not None
            ]
            draw_lost_cells(ax, arm, cells, places)
            drawn_train_mode |= _draw_train_mode(ax, arm, len(lines), cells)
            draw_means(ax, arm, len(lines), cells, places)
        ax.set_xticks(places, [f"{value:g}" for value in values])
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
        return chart.finish(finding(frame, key), METHOD, frame, entries, footer)


def lines_by(figure: str, source: Source, key: str) -> tuple[Arms, list[float]]:
    """The arms apart from the number `key`, and its values; UserError where it has not several."""
    arms = find_arms(source)
    known(key, arms.runs.runs)
    if key not in arms.varying:
        raise UserError(f"{figure}: all runs have the same {key}")
    if not is_number(arms, key):
        raise UserError(f"{figure}: {key} is no number")
    lines = shortlist(arms, keep=key).without(key)
    return lines, sorted(lines.runs.runs[key].dropna().unique())


HOLLOW: dict[str, Any] = {"linestyle": ":", "linewidth": 1.1, "markerfacecolor": PAPER}


def _train_mode(epochs: pd.DataFrame) -> pd.Series:
    """The last training-mode test accuracy of each run."""
    last = epochs.sort_values("epoch", kind="stable").groupby("run")["test_accuracy_train_mode"]
    return last.last()


def _draw_train_mode(ax: Any, arm: Arm, of: int, cells: Sequence[pd.DataFrame | None]) -> bool:
    """Draw the accuracy with statistics of the batch, where it was measured."""
    found = [
        (i, arm_accuracy(cell, TRAIN_MODE)) for i, cell in enumerate(cells) if cell is not None
    ]
    if not any(estimate.n for _, estimate in found):
        return False
    x = [place + dodge(arm, of) for place, _ in found]
    y = [estimate.centre for _, estimate in found]
    ax.plot(x, y, color=arm.look.color, marker=arm.look.marker, **HOLLOW)
    return True


def _row(arm: Arm, key: str, value: float, cell: pd.DataFrame) -> dict[str, Any]:
    return {
        "arm": arm.label,
        key: value,
        **final_accuracy(cell),
        "missing": arm.missing,
        "train_mode_accuracy_mean": arm_accuracy(cell, TRAIN_MODE).centre,
    }


def finding(rows: pd.DataFrame, key: str) -> str:
    """The title: accuracy at the first and last value of the arms that change most and least.

    Each arm's ends are its own, those where some of its runs trained.
    """
    name, ends = key_name(key), []
    for arm, part in whole(rows).groupby("arm", sort=False):
        part = part.dropna(subset="test_accuracy_mean").sort_values(key)
        if len(part) > 1:
            first, last = part.iloc[0], part.iloc[-1]
            change = abs(last["test_accuracy_mean"] - first["test_accuracy_mean"])
            ends.append((change, str(arm), first, last))
    if not ends:
        return f"Final test accuracy by {name}"
    ends.sort(key=lambda end: -end[0])
    words = [
        f"from {_at(first, key)} to {_at(last, key)} ({arm})"
        for _, arm, first, last in (ends[:1] + ends[:-2:-1])[: len(ends)]
    ]
    return f"Test accuracy goes with the {name} {listed(words)}"


def _at(row: pd.Series, key: str) -> str:
    return f"{short_percent(row['test_accuracy_mean'])} at {row[key]:g}"
