"""How nets learn at every value of a number: curve, activations and gradients, a row a value.

A page with a script shows one row at a time, and a slider goes through them.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from bnexp.errors import UserError
from bnexp.report.arms import Arm, Source
from bnexp.report.chart import Chart, style
from bnexp.report.figures.drawing import (
    curves,
    draw_band,
    final_accuracy,
    handles,
    percent_axis,
    plain_log,
)
from bnexp.report.figures.gradients import END, at_step
from bnexp.report.figures.histograms import density
from bnexp.report.figures.sensitivity import finding, lines_by
from bnexp.report.labels import key_name, value_name
from bnexp.report.touch import in_row

MOST = 9  # rows; of more values the ends and some between them are drawn
TENSOR = "pre_activation"
METHOD = (
    "A row a value, on the same axes. Left the validation accuracy by epoch. Middle what the last "
    "recorded layer's activation receives at the last recorded step, each curve to its own peak; "
    "what lies beyond four times the middle reach is cut off. Right the L2 norm of the gradient "
    "with respect to each layer's output there. Lines are medians over the runs of an arm that "
    "trained (where there are none, those that did not), with the interval of order statistics; "
    "activations are pooled over them. Diverged runs are counted above the row."
)


def by_value(source: Source, *, key: str) -> Chart:
    """Draw the learning curve, activations and gradients at every value of the number `key`."""
    lines, values = lines_by("by_value", source, key)
    values = _some(values)
    panels = [panel for panel in PANELS if len(getattr(lines.runs, panel.table))]
    if len(panels) < 2:
        raise UserError("by_value: these runs recorded curves alone; train with probes=default")
    with style():
        chart = Chart("by_value", lines, 1.75 * len(values))
        chart.key = key
        grid = chart.subplots(len(values), len(panels), sharex="col", sharey="col", squeeze=False)
        numbers = []
        for value, axes in zip(values, grid, strict=True):
            name = f"{key_name(key)} {value_name(value)}"
            cells = [(arm, arm.runs[arm.runs[key] == value]) for arm in lines]
            at = [replace(arm, runs=cell) for arm, cell in cells if len(cell)]
            numbers += [
                {"arm": arm.label, key: value, "missing": arm.missing, **final_accuracy(arm.runs)}
                for arm in at
            ]
            for panel, ax in zip(panels, axes, strict=True):
                table = getattr(lines.runs, panel.table)
                for arm in at:
                    panel.draw(ax, arm, table)
                ax.tick_params(labelbottom=True)
                ax.set_xlabel(panel.x)
                in_row(ax, name)
            axes[0].set_title(f"{name}{_lost(at)}")
        for panel, ax in zip(panels, grid[0], strict=True):
            panel.scale(ax)
        for panel, column in zip(panels, grid.T, strict=True):
            for ax in column:
                ax.set_ylabel(panel.y)
        frame = pd.DataFrame(numbers)
        return chart.finish(finding(frame, key), METHOD, frame, handles(lines))


def _some(values: list[float]) -> list[float]:
    """At most nine of the values, the first and last among them, evenly spread in their order."""
    places = np.unique(np.linspace(0, len(values) - 1, min(MOST, len(values))).round().astype(int))
    return [values[place] for place in places]


def _lost(arms: list[Arm]) -> str:
    """ "; no norm: 3 of 3 diverged", for those of which some did."""
    return "".join(
        f"; {arm.label}: {len(arm.diverged)} of {len(arm.runs)} diverged"
        for arm in arms
        if len(arm.diverged)
    )


# ------------------------------------------------------------------------------------- the panels


def _curve(ax: Axes, arm: Arm, epochs: pd.DataFrame) -> None:
    x, y = curves(epochs, arm.shown["run"], "epoch", "val_accuracy")
    if len(x):
        draw_band(ax, arm, x, y)


def _activations(ax: Axes, arm: Arm, table: pd.DataFrame) -> None:
    rows = table[(table["tensor"] == TENSOR) & table["run"].isin(set(arm.shown["run"]))]
    rows = at_step(rows, END)
    edges, heights = density(rows[rows["index"] == rows["index"].max()])
    if len(edges):
        ax.stairs(heights / heights.max(), edges, color=arm.look.color, linewidth=1.4)


def _gradients(ax: Axes, arm: Arm, table: pd.DataFrame) -> None:
    rows = at_step(table[table["run"].isin(set(arm.shown["run"]))], END)
    x, y = curves(rows[rows["activation_gradient_norm"] > 0], arm.shown["run"], "index",
                  "activation_gradient_norm")  # fmt: skip
    if len(x):
        draw_band(ax, arm, x, y, marks=len(x))


def _percent(ax: Axes) -> None:
    percent_axis(ax.yaxis)


def _heights(ax: Axes) -> None:
    """No ticks for shares, and values as far as all but the widest curves reach."""
    ax.set_yticks([])
    ends = np.abs([
        patch.get_data().edges[[0, -1]]
        for row in ax.get_shared_x_axes().get_siblings(ax)
        for patch in row.patches
    ])  # fmt: skip
    if len(ends):
        reach = 1.1 * min(ends.max(), 4 * np.median(ends.max(axis=1)))
        ax.set_xlim(-reach, reach)


def _norms(ax: Axes) -> None:
    plain_log(ax, "y")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))


@dataclass(frozen=True)
class _Panel:
    """One column: its table, how an arm is drawn, what its axes say, and their scale."""

    table: str
    draw: Callable[[Axes, Arm, pd.DataFrame], None]
    x: str
    y: str
    scale: Callable[[Axes], None]


PANELS = (
    _Panel("epochs", _curve, "epoch", "validation\naccuracy", _percent),
    _Panel("histograms", _activations, "last layer's pre-activation", "share", _heights),
    _Panel("gradients", _gradients, "layer (1 is nearest to the input)", "gradient norm", _norms),
)
