"""Mean and standard deviation of what each layer receives, through training."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D

from bnexp.errors import UserError
from bnexp.report.arms import Arm, Source, find_arms
from bnexp.report.chart import Chart, style
from bnexp.report.figures.activations import panels_words, side_by_side, tensor_rows
from bnexp.report.figures.drawing import curves, ends, panel_title, said_of_arms
from bnexp.report.labels import short
from bnexp.report.shortlist import shortlist
from bnexp.report.style import DASHES, layer_colors

METHOD = (
    "Mean and standard deviation over all values that a layer receives from one batch in training "
    "mode; medians over the trained runs of an arm (over those that did not train where there are "
    "none). Layer 1 receives the data and is left out. Drift is the distance from the first to "
    "the last recorded step, sqrt(change of mean^2 + change of std^2), in first std "
    "(between normal distributions, the 2-Wasserstein distance)."
)


def drift(source: Source) -> Chart:
    """Draw how the input of every layer but the first drifts."""
    arms = shortlist(find_arms(source))
    table = tensor_rows(arms, "activations", "input")
    table = table[table["index"] > 1]
    if table.empty:
        raise UserError("drift: these nets have one layer, which receives the data")
    drawn = side_by_side(arms)
    layers = sorted(table["index"].unique())
    lines: dict[int, dict[str, Any]] = {
        layer: {"color": color, "linestyle": DASHES[place % len(DASHES)], "linewidth": 1.4}
        for place, (layer, color) in enumerate(zip(layers, layer_colors(len(layers)), strict=True))
    }
    with style():
        chart = Chart("drift", arms, 3.6)
        grid = chart.subplots(2, len(drawn), sharex=True, sharey="row", squeeze=False)
        numbers: list[dict[str, Any]] = []
        for column, arm in zip(grid.T, drawn, strict=True):
            for layer, line in lines.items():
                numbers += _draw(column, arm, table[table["index"] == layer], layer, line)
            column[0].set_title(panel_title(arm, len(drawn)))
            column[1].set_xlabel("step")
        grid[0, 0].set_ylabel("mean of the input")
        grid[1, 0].set_ylabel("std of the input")
        handles = [Line2D([], [], label=f"layer {n}", **line) for n, line in lines.items()]
        frame = pd.DataFrame(numbers)
        return chart.finish(
            _finding(frame),
            METHOD,
            frame,
            handles,
            f"Lines: medians over seeds. {panels_words(arms)}",
        )


def _draw(
    axes: Any, arm: Arm, rows: pd.DataFrame, layer: int, line: dict[str, Any]
) -> list[dict[str, Any]]:
    found = {}
    for ax, name in zip(axes, ("mean", "std"), strict=True):
        x, y = curves(rows, arm.shown["run"], "step", name)
        if not len(x):
            return []
        found[name] = np.median(y, axis=0)
        ax.plot(x, found[name], **line)
    mean, std = found["mean"], found["std"]
    return [
        {
            "arm": arm.label,
            **arm.counts,
            "layer": layer,
            "first_step": int(x[0]),
            "mean_at_first": mean[0],
            "std_at_first": std[0],
            "last_step": int(x[-1]),
            "mean_at_last": mean[-1],
            "std_at_last": std[-1],
            "drift": np.hypot(mean[-1] - mean[0], std[-1] - std[0]) / std[0]
            if std[0] > 0
            else np.nan,
        }
    ]


def _finding(numbers: pd.DataFrame) -> str:
    largest = numbers.sort_values("drift", ascending=False, kind="stable").drop_duplicates("arm")
    rows = ends(largest, "drift")
    if not rows:
        return "Drift of layer inputs"
    words = said_of_arms(rows, lambda row: f"{short(row['drift'])} in layer {row['layer']}")
    return f"In training, a layer's input drifts by up to {words}, in units of its first std"
