"""The gap between training and test accuracy, at the end and at equal training loss."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter

from bnexp.errors import UserError
from bnexp.report.arms import Arm, Source, find_arms
from bnexp.report.chart import Chart, style
from bnexp.report.contrasts import contrasts
from bnexp.report.figures.drawing import (
    Array,
    arm_axis,
    arm_rows,
    by_run,
    counts_table,
    ends,
    percent_axis,
    plain_log,
    said_of_arms,
)
from bnexp.report.labels import short
from bnexp.report.shortlist import shortlist
from bnexp.report.statistics import arm_accuracy, mean_band, mean_t
from bnexp.report.style import MUTED, PAPER

POINTS = 40
METHOD = (
    "Training and test accuracy in evaluation mode; the gap is training minus test. At the end: "
    "means over the trained runs with 95% t intervals. At equal training loss: each run's gap at "
    "the first evaluation with that training loss or less, averaged over runs where all have one. "
    "Differences of the final gap are paired by seed."
)


def gap(source: Source) -> Chart:
    """Draw how much better the arms do on what they were trained on."""
    arms = shortlist(find_arms(source))
    rows = arms.runs.runs
    if not {"train_accuracy", "test_accuracy"} <= set(rows):
        raise UserError("gap: these runs have no training and test accuracy")
    values = pd.to_numeric(rows["train_accuracy"]) - pd.to_numeric(rows["test_accuracy"])
    arms = arms.subset(rows.assign(gap=values))
    with style():
        chart = Chart("gap", arms, max(2.6, 0.8 + arm_rows(arms)))
        end, equal = chart.subplots(1, 2)
        numbers = []
        for arm in arms:
            numbers.append(_draw_end(end, arm))
            x, y = _at_equal_loss(arm, arms.runs.epochs)
            if len(x):
                middle, low, high = mean_band(y)
                equal.plot(x, middle, markevery=max(1, len(x) // 5), **arm.look.mark)
                if len(y) > 1:
                    equal.fill_between(x, low, high, color=arm.look.color, alpha=0.16, linewidth=0)
        arm_axis(end, arms)
        end.set(title="At the end", xlabel="accuracy")
        percent_axis(end.xaxis)
        plain_log(equal, "x")
        equal.invert_xaxis()
        equal.set(
            title="At equal training loss", xlabel="training loss (nats)", ylabel="gap (points)"
        )
        equal.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g}"))
        entries = [
            Line2D([], [], linestyle="", marker="o", color=MUTED, label="training"),
            Line2D(
                [], [], linestyle="", marker="o", color=MUTED, markerfacecolor=PAPER, label="test"
            ),
        ]
        chart.differences = contrasts(arms, "gap")
        frame = counts_table(arms, numbers)
        footer = "Means over trained runs; bars and bands: 95% t interval (bars cut at 100%)."
        return chart.finish(_finding(frame), METHOD, frame, entries, footer)


def _draw_end(ax: Any, arm: Arm) -> dict[str, float]:
    train, test = (arm_accuracy(arm.runs, f"{split}_accuracy") for split in ("train", "test"))
    between = mean_t(arm.values_of("gap"))
    look = {"color": arm.look.color, "marker": arm.look.marker, "markersize": 7}
    if train.n:
        ax.plot([test.centre, train.centre], [arm.place] * 2, color=arm.look.color, linewidth=1.2)
        for estimate, fill, aside in ((test, PAPER, 0.12), (train, arm.look.color, -0.12)):
            if estimate.n > 1:
                bar = [estimate.low, estimate.high]
                ax.plot(bar, [arm.place + aside] * 2, color=look["color"], linewidth=1, alpha=0.6)
            ax.plot(estimate.centre, arm.place, markerfacecolor=fill, **look)
    return {
        "train_accuracy_mean": train.centre,
        "test_accuracy_mean": test.centre,
        "gap_mean": between.centre,
        "gap_low": between.low,
        "gap_high": between.high,
    }


def _at_equal_loss(arm: Arm, epochs: pd.DataFrame) -> tuple[Array, Array]:
    """Grid of training losses that every run passed, and the runs' gaps there."""
    columns = ("epoch", "train_loss", "train_accuracy", "test_accuracy")
    epochs = epochs.dropna(subset=list(columns))  # a split is not scored at every evaluation
    runs = [
        (np.fmin.accumulate(loss), train - test)
        for _, loss, train, test in (run.T for run in by_run(epochs, arm.trained["run"], *columns))
    ]
    if not runs:
        return np.empty(0), np.empty((0, 0))
    highest = min(loss[0] for loss, _ in runs)
    lowest = max(loss[-1] for loss, _ in runs)
    if not 0 < lowest < highest:
        return np.empty(0), np.empty((0, 0))
    grid = np.geomspace(highest, lowest * (1 + 1e-9), POINTS)
    gaps = [gap[np.argmax(loss <= grid[:, None], axis=1)] for loss, gap in runs]
    return grid, np.array(gaps)


def _finding(numbers: pd.DataFrame) -> str:
    rows = ends(numbers, "gap_mean")
    if not rows:
        return "Training and test accuracy"
    words = said_of_arms(rows, lambda row: f"{short(100 * row['gap_mean'])} points")
    return f"At the end, training accuracy exceeds test accuracy by {words}"
