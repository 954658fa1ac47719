"""Training loss by step, validation accuracy by epoch and by seconds; when targets are reached."""

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
    band_words,
    by_run,
    counted,
    curves,
    draw_band,
    draw_lost,
    handles,
    lost_words,
    percent_axis,
    plain_log,
    thinned,
)
from bnexp.report.labels import percent
from bnexp.report.shortlist import shortlist
from bnexp.report.statistics import Reached, first_time, median_order, reached
from bnexp.report.style import MUTED

TARGETS = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99, 0.995)
METHOD = (
    "Training loss of each step, averaged over windows where there are many; validation accuracy "
    "in evaluation mode. Seconds are those spent in training steps, evaluation and probing apart. "
    "The target is set on the validation split; when it is reached is read off straight lines "
    "between the evaluations, and a run that missed it counts as infinitely slow. "
    "Medians of test accuracy are those of the last epoch. Differences are paired by seed (mean, "
    "95% t interval, Cohen's d_z) and corrected by Holm's method."
)


def convergence(source: Source, *, target: float | None = None) -> Chart:
    """Draw how fast each arm learns.

    `target` is a validation accuracy; by default the highest of a few round ones that all runs
    of some arm reached.
    """
    arms = shortlist(find_arms(source))
    epochs = arms.runs.epochs
    if epochs.empty:
        raise UserError("convergence: these runs have no epochs")
    target = _target(arms, epochs) if target is None else target
    with style():
        chart = Chart("convergence", arms, 3.0)
        loss, by_epoch, by_seconds = chart.subplots(1, 3)
        by_seconds.sharey(by_epoch)
        width = 1
        for arm in arms:
            width = max(width, _draw_loss(loss, arm, arms.runs.steps))
            _draw_accuracy(by_epoch, arm, epochs)
            _draw_by_seconds(by_seconds, arm, epochs)
        plain_log(loss, "y")
        averaged = f" (mean of {width} each)" if width > 1 else ""
        loss.set(title="Training loss", xlabel=f"step{averaged}", ylabel="loss (nats)")
        goal = "" if target is None else f", target {100 * target:.3g}%"
        by_epoch.set(title=f"Validation accuracy{goal}", xlabel="epoch", ylabel="accuracy")
        by_seconds.set(title="The same by time", xlabel="seconds of training")
        by_epoch.xaxis.set_major_locator(MaxNLocator(integer=True))
        percent_axis(by_epoch.yaxis)
        times = {arm.label: _times(arm, epochs, target, "epoch") for arm in arms}
        seconds = {arm.label: _times(arm, epochs, target, "seconds_training") for arm in arms}
        if target is not None:
            for ax, when in ((by_epoch, times), (by_seconds, seconds)):
                _draw_target(ax, arms, target, when)
        rows = [_row(arm, target, times[arm.label], seconds[arm.label]) for arm in arms]
        chart.differences = contrasts(arms, "test_accuracy")
        return chart.finish(
            _finding(arms, target, times, epochs["epoch"].max()),
            METHOD,
            counted(arms, rows),
            handles(arms),
            f"{band_words(arms)} {lost_words(arms)}",
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


def _draw_accuracy(ax: Any, arm: Arm, epochs: pd.DataFrame) -> None:
    x, y = curves(epochs, arm.trained["run"], "epoch", "val_accuracy")
    if len(x):
        draw_band(ax, arm, x, y)
    last = epochs[epochs["run"].isin(set(arm.runs["run"]))].groupby("run").last()
    untrained = last.reindex(arm.untrained["run"]).dropna(subset="val_accuracy")
    draw_lost(ax, arm, "not trained", untrained["epoch"], untrained["val_accuracy"])
    diverged = last["epoch"].reindex(arm.diverged["run"]).fillna(0)
    draw_lost(ax, arm, "diverged", diverged, [0.015] * len(diverged), ax.get_xaxis_transform())


def _draw_by_seconds(ax: Any, arm: Arm, epochs: pd.DataFrame) -> None:
    """Accuracy known at each moment: that of the last evaluation before it."""
    runs = by_run(epochs, arm.trained["run"], "seconds_training", "val_accuracy")
    if not runs:
        return
    x = np.linspace(0, min(run[-1, 0] for run in runs), 80)
    y = [run[np.searchsorted(run[:, 0], x, side="right") - 1, 1] for run in runs]
    draw_band(ax, arm, x, np.array(y))


def _draw_target(ax: Any, arms: Arms, target: float, when: dict[str, Reached]) -> None:
    ax.axhline(target, color=MUTED, linewidth=0.9, linestyle=(0, (2, 2)), zorder=1)
    for arm in arms:
        at = when[arm.label].when.centre
        if np.isfinite(at):
            ax.plot(at, target, arm.look.marker, color=arm.look.color, markersize=9, zorder=5,
                    fillstyle="none", markeredgewidth=1.6)  # fmt: skip


def _times(arm: Arm, epochs: pd.DataFrame, target: float | None, unit: str) -> Reached:
    """When each run of the arm, lost ones included, first reached the target."""
    if target is None:
        return reached([np.inf] * len(arm.runs))
    first = first_time(epochs, target, unit)
    return reached(first.reindex(arm.runs["run"]).fillna(np.inf))


def _target(arms: Arms, epochs: pd.DataFrame) -> float | None:
    best = epochs.groupby("run")["val_accuracy"].max()
    level = max((best.reindex(arm.runs["run"]).min() for arm in arms), default=0)
    return max((target for target in TARGETS if target <= level), default=None)


def _row(arm: Arm, target: float | None, epochs: Reached, seconds: Reached) -> dict[str, Any]:
    test = median_order(arm.by_seed("test_accuracy"))
    row = {
        "test_accuracy_median": test.centre,
        "test_accuracy_low": test.low,
        "test_accuracy_high": test.high,
        "interval_level": test.level if test.n > 1 else np.nan,
    }
    if target is None:
        return row
    return row | {
        "target_val_accuracy": target,
        "reached": f"{epochs.k} of {epochs.n}",
        **_when("epochs", epochs),
        **_when("seconds", seconds),
    }


def _when(unit: str, times: Reached) -> dict[str, float]:
    names = (f"{unit}_to_target", f"{unit}_low", f"{unit}_high")
    return dict(zip(names, (times.when.centre, times.when.low, times.when.high), strict=True))


def _finding(arms: Arms, target: float | None, times: dict[str, Reached], end: float) -> str:
    if target is None:
        return f"No arm has all its runs at {percent(TARGETS[0])} validation accuracy or more"
    ranked = sorted(
        arms,
        key=lambda arm: (times[arm.label].when.centre, -times[arm.label].k, -len(arm.trained)),
    )
    fast, slow = ranked[0], ranked[-1]
    quick, late = times[fast.label], times[slow.label]
    goal = f"{100 * target:.3g}% validation accuracy"
    if not np.isfinite(quick.when.centre):
        return f"Fewer than half of the runs of any arm reach {goal}"
    start = f"{fast.label} reaches {goal} in {_epochs(quick)} (median)"
    start = start[0].upper() + start[1:]
    if fast is slow:
        return f"{start}, {quick.k} of {quick.n} runs"
    if not np.isfinite(late.when.centre):
        return f"{start}; {slow.label} in {late.k} of {late.n} runs within {end:g}"
    if late.when.centre == quick.when.centre:
        return f"{start}, and so does every other arm"
    return f"{start}, {slow.label} in {late.when.centre:.3g}"


def _epochs(times: Reached) -> str:
    return f"{times.when.centre:.3g} epoch{'s' if times.when.centre != 1 else ''}"
