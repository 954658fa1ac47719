"""Time and memory by norm."""

from typing import Any

import pandas as pd

from bnexp.errors import UserError
from bnexp.report.arms import Arm, Source, find_arms
from bnexp.report.chart import Chart, style
from bnexp.report.contrasts import contrasts, control
from bnexp.report.figures.drawing import arm_axis, arm_rows, counts_table, ends, said_of_arms
from bnexp.report.labels import listed, short
from bnexp.report.shortlist import shortlist
from bnexp.report.statistics import mean_t, step_seconds

METHOD = (
    "Time of a step: seconds spent in training steps over their number, evaluation and probing "
    "apart. Memory: what the forward pass of one training batch keeps for the backward pass, "
    "parameters aside, counted tensor by tensor. Means over the trained runs with 95% t intervals; "
    "small points are single runs. Runs that trained side by side slow each other down. "
    "Differences are paired by seed."
)
PANELS = {"ms_per_step": "time of a training step (ms)", "saved_mb": "kept for backward (MB)"}


def cost(source: Source) -> Chart:
    """Draw what a step costs in time and memory."""
    arms = shortlist(find_arms(source))
    rows = arms.runs.runs
    if not {"seconds_training", "steps", "saved_for_backward_bytes"} <= set(rows):
        raise UserError("cost: these runs have no times")
    arms = arms.subset(
        rows.assign(
            ms_per_step=1000 * step_seconds(rows),
            saved_mb=pd.to_numeric(rows["saved_for_backward_bytes"]) / 1e6,
        ),
        *_devices(rows),
    )
    with style():
        chart = Chart("cost", arms, 0.6 + arm_rows(arms))
        axes = chart.subplots(1, 2, sharey=True)
        numbers: list[dict[str, Any]] = [{} for _ in arms]
        for ax, (result, name) in zip(axes, PANELS.items(), strict=True):
            for row, arm in zip(numbers, arms, strict=True):
                row |= _draw(ax, arm, result)
            ax.set_xlabel(name)
            ax.set_xlim(0, 1.06 * ax.get_xlim()[1])
        arm_axis(axes[0], arms)
        chart.differences = contrasts(arms, "ms_per_step")
        frame = counts_table(arms, numbers)
        base = control(arms).label
        frame["times_control"] = (
            frame["ms_per_step_mean"] / frame["ms_per_step_mean"][frame["arm"] == base].item()
        )

        footer = "Points: mean over trained runs; bars: 95% t interval; small: single runs."
        return chart.finish(_finding(frame, base), METHOD, frame, footer=footer)


def _devices(rows: pd.DataFrame) -> list[str]:
    names = sorted({str(name) for name in rows.get("provenance.device_name", [])})
    return [f"Times are from different devices: {listed(names)}."] if len(names) > 1 else []


def _draw(ax: Any, arm: Arm, result: str) -> dict[str, float]:
    values = arm.values_of(result)
    estimate = mean_t(values)
    if estimate.n:
        ax.plot(
            values,
            [arm.place + 0.2] * len(values),
            ".",
            color=arm.look.color,
            alpha=0.5,
            markersize=4,
        )
        if estimate.n > 1:
            ax.plot([estimate.low, estimate.high], [arm.place] * 2, color=arm.look.color)
        ax.plot(estimate.centre, arm.place, markersize=7, **arm.look.mark)
    return {
        f"{result}_mean": estimate.centre,
        f"{result}_low": estimate.low,
        f"{result}_high": estimate.high,
    }


def _finding(numbers: pd.DataFrame, base: str) -> str:
    rows = ends(numbers[numbers["arm"] != base], "times_control")
    if rows:
        (own,) = numbers.loc[numbers["arm"] == base, "ms_per_step_mean"]
        words = said_of_arms(rows, lambda row: f"{short(row['times_control'])} times")
        return f"A training step takes {words} the {short(own)} ms of {base}"
    rows = ends(numbers, "ms_per_step_mean")
    words = said_of_arms(rows, lambda row: f"{short(row['ms_per_step_mean'])} ms") if rows else ""
    return f"A training step takes {words}" if rows else "Time and memory"
