"""Gradient norms by layer at chosen steps, with the mean-field prediction at initialisation."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from bnexp.errors import UserError
from bnexp.report.arms import Arm, Source, find_arms
from bnexp.report.chart import Chart, style
from bnexp.report.figures.drawing import (
    Array,
    band_words,
    counts_table,
    ends,
    handles,
    hollow,
    plain_log,
    said_of_arms,
    shown_words,
)
from bnexp.report.labels import short
from bnexp.report.shortlist import shortlist
from bnexp.report.statistics import Estimate, median_band, median_order
from bnexp.report.style import MUTED
from bnexp.report.theory import predicted_ratio

QUANTITIES = {
    "activation_gradient_norm": "activation gradient\n‖dL/dz‖",
    "weight_gradient_norm": "weight gradient\n‖dL/dW‖",
}
PREDICTION: dict[str, Any] = {"linewidth": 7, "alpha": 0.3, "solid_capstyle": "butt", "zorder": 1.5}
END = -1  # stands for the last recorded step of a run
METHOD = (
    "L2 norms over the layer and the batch; z is a layer's output before norm and activation, L "
    "the mean loss of the batch. Before the first update all runs count, later the trained ones "
    "(where there are none, those that did not train). The ratio by layer is the factor from one "
    "layer to the one below it, towards the input (above 1: gradients grow towards the input), "
    "fitted to the logarithms over the middle hidden layers of each run; its centre is the median "
    "over runs. The prediction is mean-field theory's for wide fully connected layers "
    "(arXiv:1902.08129 for batch norm), drawn through the middle layers."
)


def gradients(source: Source, *, steps: tuple[int, ...] = (0, 100, END)) -> Chart:
    """Draw gradient norms by layer, of activations and weights apart, at some steps (-1: last)."""
    arms = shortlist(find_arms(source))
    table = arms.runs.gradients
    if table.empty:
        raise UserError("gradients: these runs recorded none; train with probes=default")
    chosen = at_steps(table, steps)
    with style():
        chart = Chart("gradients", arms, 4.6)
        grid = chart.subplots(2, len(chosen), sharex=True, sharey="row", squeeze=False)
        predicted = False
        for row, (quantity, name) in zip(grid, QUANTITIES.items(), strict=True):
            for ax, (step, rows) in zip(row, chosen, strict=True):
                for arm in arms:
                    _draw(ax, arm, _profile(arm, rows, quantity, step), step)
                    if step == 0 and quantity == "activation_gradient_norm":
                        predicted |= _draw_prediction(ax, arm, rows)
            plain_log(row[0], "y")
            row[0].set_ylabel(name)
        for ax, (step, rows) in zip(grid[0], chosen, strict=True):
            ax.set_title(_when(step, rows))
        for ax in grid[-1]:
            ax.set_xlabel("layer (1 is nearest to the input)")
            ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        entries = handles(arms)
        if predicted:
            entries.append(Line2D([], [], color=MUTED, label="mean-field theory", **PREDICTION))
        numbers = [
            {"step": _last(part, step), "quantity": quantity, **_slope(arm, part, quantity, step)}
            for step, part in chosen
            for quantity in QUANTITIES
            for arm in arms
        ]
        repeated = [arm for _ in chosen for _ in QUANTITIES for arm in arms]
        frame = counts_table(repeated, numbers)
        words = f"{band_words(arms)} {shown_words(arms)}"
        return chart.finish(_finding(frame), METHOD, frame, entries, words)


def at_steps(table: pd.DataFrame, steps: tuple[int, ...]) -> list[tuple[int, pd.DataFrame]]:
    """Each step with its rows, without steps that have none or the same rows as one before."""
    found: list[tuple[int, pd.DataFrame]] = []
    for step in steps:
        rows = at_step(table, step)
        if not rows.empty and not any(rows.index.equals(other.index) for _, other in found):
            found.append((step, rows))
    return found


def at_step(table: pd.DataFrame, step: int) -> pd.DataFrame:
    """Rows of each run at a step, or at its last one for -1; empty unless every run has it."""
    if step == END:
        rows = table[table["step"] == table.groupby("run")["step"].transform("max")]
        return rows[rows["step"] > 0]
    rows = table[table["step"] == step]
    return rows if rows["run"].nunique() == table["run"].nunique() else rows.iloc[:0]


def _last(rows: pd.DataFrame, step: int) -> int:
    return int(rows["step"].max()) if step == END else step


def _when(step: int, rows: pd.DataFrame) -> str:
    if step == 0:
        return "before training"
    last = rows["step"].unique()
    return f"at step {last[0]}" if len(last) == 1 else "at the last step"


def _runs(arm: Arm, step: int) -> pd.Series:
    return arm.runs["run"] if step == 0 else arm.shown["run"]


def _profile(arm: Arm, rows: pd.DataFrame, quantity: str, step: int) -> pd.DataFrame:
    """Positive norms, one row a run, one column a layer."""
    part = rows[rows["run"].isin(set(_runs(arm, step))) & (rows[quantity] > 0)]
    return part.pivot_table(index="run", columns="index", values=quantity).dropna(axis="columns")


def _draw(ax: Any, arm: Arm, profile: pd.DataFrame, step: int) -> None:
    if profile.empty:
        return
    middle, low, high = median_band(profile.to_numpy(float))
    ax.plot(profile.columns, middle, **(arm.look.mark if step == 0 else hollow(arm)))
    if len(profile) > 1:
        ax.fill_between(profile.columns, low, high, color=arm.look.color, alpha=0.16, linewidth=0)


def _middle(layers: pd.Index) -> Array:
    """The hidden layers that the law is about: not the first and the last, if others are left."""
    hidden = layers.to_numpy()[:-1]  # the output layer has another fan-out
    return hidden[1:-1] if len(hidden) >= 4 else hidden


def _draw_prediction(ax: Any, arm: Arm, rows: pd.DataFrame) -> bool:
    ratio = _predicted(arm)
    profile = _profile(arm, rows, "activation_gradient_norm", 0)
    if ratio is None or profile.shape[1] < 3:
        return False
    middle = _middle(profile.columns)
    anchor = float(np.log(profile[middle].to_numpy(float)).mean())
    layers = profile.columns.to_numpy()[:-1]
    line = np.exp(anchor - np.log(ratio) * (layers - middle.mean()))
    ax.plot(layers, line, color=arm.look.color, **PREDICTION)
    return True


def _predicted(arm: Arm) -> float | None:
    """What theory says of the arm's runs, if it says the same of all."""
    configs = [
        {str(key): value for key, value in row.items()} for row in arm.runs.to_dict("records")
    ]
    ratios = set(map(predicted_ratio, configs))
    return ratios.pop() if len(ratios) == 1 else None


def _slope(arm: Arm, rows: pd.DataFrame, quantity: str, step: int) -> dict[str, Any]:
    profile = _profile(arm, rows, quantity, step)
    middle = _middle(profile.columns) if profile.shape[1] else np.empty(0)
    ratio = Estimate(0, np.nan, np.nan, np.nan)
    fall = np.nan
    if len(middle) >= 2 and len(profile):
        slopes = np.polyfit(middle.astype(float), np.log(profile[middle].to_numpy(float)).T, 1)[0]
        ratio = median_order(np.exp(-slopes))
        fall = float(np.median(profile[middle[0]] / profile[middle[-1]]))
    activation = step == 0 and quantity == "activation_gradient_norm"
    return {
        "runs": len(profile),
        "ratio_by_layer": ratio.centre,
        "low": ratio.low,
        "high": ratio.high,
        "predicted": (_predicted(arm) if activation else None) or np.nan,
        "first_over_last": fall,
    }


def _finding(numbers: pd.DataFrame) -> str:
    first = numbers[numbers["quantity"] == "activation_gradient_norm"]
    first = first[first["step"] == first["step"].min()]
    rows = ends(first, "ratio_by_layer")[::-1]
    if not rows:
        return "Gradient norms by layer"
    when = "Before training" if rows[0]["step"] == 0 else "In training"
    words = said_of_arms(rows, lambda row: short(row["ratio_by_layer"]))
    return f"{when}, activation gradients change by {words} times a layer towards the input"
