"""Training loss by step, validation accuracy by epoch and by seconds; when targets are reached."""

import math
import re
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from bnexp.errors import UserError
from bnexp.report.arms import Arm, Arms, Source, find_arms
from bnexp.report.chart import Chart, style
from bnexp.report.contrasts import contrasts
from bnexp.report.figures.drawing import (
    Array,
    band_words,
    by_run,
    counts_table,
    curves,
    draw_band,
    draw_lost,
    ends,
    handles,
    lost_words,
    percent_axis,
    plain_log,
    said_of_arms,
    thinned,
    whole,
)
from bnexp.report.labels import plural, short_percent
from bnexp.report.shortlist import shortlist
from bnexp.report.statistics import Reached, median_order, reached, time_brackets
from bnexp.report.style import MUTED

TARGETS = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99, 0.995)
METHOD = (
    "Training loss of each step, averaged over windows where there are many; validation accuracy "
    "in evaluation mode. Seconds are those spent in training steps, evaluation and probing apart. "
    "The target is set on the validation split; it was reached between two evaluations, and a run "
    "that missed it, or diverged, never did. Medians of test accuracy are those of the last "
    "epoch. Differences are paired by seed (mean, 95% t interval, seeds with its sign)."
)
UNITS = {"epoch": "epochs", "seconds_training": "seconds"}


def convergence(source: Source, *, target: float | None = None) -> Chart:
    """Draw how fast each arm learns.

    `target` is a validation accuracy; by default the highest of a few round ones that all runs
    of some arm reached, unless runs were evaluated at their start and end alone.
    """
    arms = shortlist(find_arms(source))
    epochs = arms.runs.epochs
    if epochs.empty:
        raise UserError("convergence: these runs have no epochs")
    by_ends = target is None and _at_ends_alone(epochs)
    if target is None and not by_ends:
        target = _target(arms, epochs)
    with style():
        chart = Chart("convergence", arms, 3.0)
        loss, by_epoch, by_seconds = chart.subplots(1, 3)
        by_seconds.sharey(by_epoch)
        width = 1
        rows = []
        for arm in arms:
            width = max(width, _draw_loss(loss, arm, arms.runs.steps))
            times = {unit: _times(arm, epochs, target, unit) for unit in UNITS}
            end = _draw_accuracy(by_epoch, arm, epochs, times["epoch"].high)
            _draw_by_seconds(by_seconds, arm, epochs, times["seconds_training"].high)
            last = {"epochs": _last_epoch(arm, epochs), "val_accuracy_median": end}
            rows.append(_row(arm, target, times) | last)
        plain_log(loss, "y")
        averaged = f" (mean of {width} each)" if width > 1 else ""
        loss.set(title="Training loss", xlabel=f"step{averaged}", ylabel="loss (nats)")
        goal = ""
        by_epoch.set(title="Validation accuracy", xlabel="epoch", ylabel="accuracy")
        by_seconds.set(title="The same by time", xlabel="seconds of training")
        by_epoch.xaxis.set_major_locator(MaxNLocator(integer=True))
        percent_axis(by_epoch.yaxis)
        if target is not None:
            goal = (
                f"Dotted: the target of {100 * target:.4g}%; ringed: the evaluation by which half "
                "of all runs of the arm had reached it. "
            )
            for ax in (by_epoch, by_seconds):
                ax.axhline(target, color=MUTED, linewidth=0.9, linestyle=(0, (2, 2)), zorder=1)
        chart.differences = contrasts(arms, "test_accuracy")
        table = counts_table(arms, rows)
        return chart.finish(
            _at_the_end(table) if by_ends else _finding(table, target),
            METHOD,
            table,
            handles(arms),
            f"{band_words(arms)} {goal}{lost_words(arms)}",
        )


def _draw_loss(ax: Any, arm: Arm, steps: pd.DataFrame) -> int:
    x, y = curves(steps, arm.trained["run"], "step", "loss")
    width = 1
    if len(x):
        x, y, width = thinned(x, y)
        draw_band(ax, arm, x, y)
    lost = steps[steps["run"].isin({*arm.diverged["run"], *arm.untrained["run"]})]
    finite = lost[np.isfinite(lost["loss"].astype(float))]
    last = lost.groupby("run")["step"].max()[finite["run"].unique()]
    reasons = arm.diverged.set_index("run")["reason"]
    at = [_diverged_at(reasons[run], last[run]) for run in reasons.index.intersection(last.index)]
    draw_lost(ax, arm, "diverged", at, [0.985] * len(at), ax.get_xaxis_transform())
    ends = []
    for run in by_run(finite, arm.untrained["run"], "step", "loss"):
        x, y, _ = thinned(run[:, 0], run[None, :, 1])
        ax.plot(x, y[0], color=arm.look.color, linewidth=0.6, alpha=0.5)
        ends.append((x[-1], y[0, -1]))
    draw_lost(ax, arm, "not trained", *np.reshape(ends, (-1, 2)).T)
    return width


def _diverged_at(reason: object, last: float) -> float:
    found = re.search(r"step (\d+)", str(reason))
    return float(found[1] if found else last)


def _draw_accuracy(ax: Any, arm: Arm, epochs: pd.DataFrame, half: float) -> float:
    """Draw the curves; return the median of the last evaluation."""
    x, y = curves(epochs, arm.trained["run"], "epoch", "val_accuracy")
    middle = draw_band(ax, arm, x, y) if len(x) else np.array([np.nan])
    _ring(ax, arm, x, middle, half)
    last = epochs[epochs["run"].isin(set(arm.runs["run"]))].groupby("run").last()
    untrained = last.reindex(arm.untrained["run"]).dropna(subset="val_accuracy")
    draw_lost(ax, arm, "not trained", untrained["epoch"], untrained["val_accuracy"])
    diverged = last["epoch"].reindex(arm.diverged["run"]).fillna(0)
    draw_lost(ax, arm, "diverged", diverged, [0.015] * len(diverged), ax.get_xaxis_transform())
    return float(middle[-1])


def _draw_by_seconds(ax: Any, arm: Arm, epochs: pd.DataFrame, half: float) -> None:
    """Accuracy known at each moment: that of the last evaluation before it."""
    runs = by_run(epochs, arm.trained["run"], "seconds_training", "val_accuracy")
    if not runs:
        return
    end = max(run[-1, 0] for run in runs)
    x = np.unique([*np.linspace(0, end, 80), *([half] if half <= end else [])])
    y = [run[np.searchsorted(run[:, 0], x, side="right") - 1, 1] for run in runs]
    _ring(ax, arm, x, draw_band(ax, arm, x, np.array(y)), half)


def _ring(ax: Any, arm: Arm, x: Array, middle: Array, half: float) -> None:
    """Ring the point of the curve by which half of the runs had reached the target."""
    at = np.flatnonzero(x == half)
    ax.plot(x[at], middle[at], "o", color=arm.look.color, markersize=11, fillstyle="none",
            markeredgewidth=1.6, zorder=5)  # fmt: skip


def _times(arm: Arm, epochs: pd.DataFrame, target: float | None, unit: str) -> Reached:
    """When half of the arm's runs, lost ones included, had reached the target."""
    level = np.inf if target is None else target
    stayed = epochs[epochs["run"].isin(set(arm.runs["run"]) - set(arm.diverged["run"]))]
    return reached(time_brackets(stayed, level, unit), list(arm.runs["run"]))


def _target(arms: Arms, epochs: pd.DataFrame) -> float | None:
    best = epochs.groupby("run")["val_accuracy"].max()
    level = max((best.reindex(arm.runs["run"]).min() for arm in arms), default=0)
    return max((target for target in TARGETS if target <= level), default=None)


def _at_ends_alone(epochs: pd.DataFrame) -> bool:
    """Whether nothing is known of what lies between the start and the end of any run."""
    return bool((epochs.groupby("run")["epoch"].nunique() <= 2).all())


def _last_epoch(arm: Arm, epochs: pd.DataFrame) -> int:
    return int(epochs.loc[epochs["run"].isin(set(arm.runs["run"])), "epoch"].max())


def _row(arm: Arm, target: float | None, times: dict[str, Reached]) -> dict[str, Any]:
    test = median_order(arm.values_of("test_accuracy"))
    row: dict[str, Any] = {
        "test_accuracy_median": test.centre,
        "test_accuracy_low": test.low,
        "test_accuracy_high": test.high,
        "interval_level": test.level if test.n > 1 else np.nan,
    }
    if target is None:
        return row
    row |= {
        "target_val_accuracy": target,
        "runs": times["epoch"].n,
        "reached_target": times["epoch"].k,
    }
    for unit, name in UNITS.items():
        row |= {f"half_after_{name}": times[unit].low, f"half_by_{name}": times[unit].high}
    return row


def _finding(table: pd.DataFrame, target: float | None) -> str:
    if target is None:
        return f"No arm has all its runs at {short_percent(TARGETS[0])} validation accuracy or more"
    rows = whole(table).sort_values(
        ["half_by_epochs", "reached_target", "n"], ascending=[True, False, False], kind="stable"
    )
    fast, *_, slow = rows.iloc[[0, -1]].to_dict("records")
    goal = f"{100 * target:.4g}% validation accuracy"
    if not np.isfinite(fast["half_by_epochs"]):
        return f"Fewer than half of the runs of any arm reach {goal}"
    finding = f"Half of the runs reach {goal} {_when(fast)}"
    if len(rows) == 1:
        return finding
    if np.isfinite(slow["half_by_epochs"]):
        return f"{finding} and {_when(slow)}"
    return (
        f"{finding}; {slow['reached_target']} of {plural(slow['runs'], 'run')} "
        f"within {plural(slow['epochs'], 'epoch')} ({slow['arm']})"
    )


def _at_the_end(table: pd.DataFrame) -> str:
    rows = ends(table, "val_accuracy_median")
    if not rows:
        return "No run trained"
    words = said_of_arms(rows, lambda row: short_percent(row["val_accuracy_median"]))
    return f"At the end a median run is at a validation accuracy of {words}"


def _when(row: dict[Any, Any]) -> str:
    """The evaluations that the time lies between; parts of an epoch are rounded outwards."""
    after, by = row["half_after_epochs"], row["half_by_epochs"]
    parts = 100 if by < 1 else 10  # of an epoch
    after = math.floor(round(after * parts, 6)) / parts
    by = math.ceil(round(by * parts, 6)) / parts
    words = "before training" if by == 0 else f"between epochs {after:g} and {by:g}"
    return f"{words} ({row['arm']})"
