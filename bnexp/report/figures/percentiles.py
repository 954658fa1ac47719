"""15th, 50th and 85th percentiles of activations through training, by layer (arXiv:1502.03167)."""

from typing import Any

import numpy as np
import pandas as pd

from bnexp.report.arms import Arm, Source, find_arms
from bnexp.report.chart import Chart, style
from bnexp.report.figures.activations import TENSORS, panels_words, side_by_side, tensor_rows
from bnexp.report.figures.drawing import curves, ends, panel_title, said_of_arms
from bnexp.report.labels import short
from bnexp.report.shortlist import shortlist

METHOD = (
    "Percentiles over one batch in training mode: the line is the 50th, the band reaches from the "
    "15th to the 85th; each is the median over the trained runs of an arm (over those that did not "
    "train where there are none). The scale is the same in a row."
)


def percentiles(source: Source, *, tensor: str = "pre_activation") -> Chart:
    """Draw percentile bands of `tensor` for the first, the middle and the last hidden layer."""
    arms = shortlist(find_arms(source))
    table = tensor_rows(arms, "activations", tensor)
    drawn = side_by_side(arms)
    layers = sorted(table["index"].unique())
    chosen = sorted({layers[0], layers[(len(layers) - 1) // 2], layers[-1]}, reverse=True)
    with style():
        chart = Chart("percentiles", arms, 0.6 + 1.35 * len(chosen))
        grid = chart.subplots(len(chosen), len(drawn), sharex=True, sharey="row", squeeze=False)
        numbers: list[dict[str, Any]] = []
        for line, layer in zip(grid, chosen, strict=True):
            line[0].set_ylabel(f"layer {layer}\n{tensor.replace('_', '-')}")
            for ax, arm in zip(line, drawn, strict=True):
                numbers += _draw(ax, arm, table[table["index"] == layer], layer)
        for ax, arm in zip(grid[0], drawn, strict=True):
            ax.set_title(panel_title(arm, len(drawn)))
        for ax in grid[-1]:
            ax.set_xlabel("step")
        frame = pd.DataFrame(numbers)
        return chart.finish(
            _finding(frame, tensor),
            f"{tensor.replace('_', '-').capitalize()}: {TENSORS[tensor]}. {METHOD}",
            frame,
            footer="Line: 50th percentile; band: 15th to 85th; medians over seeds. "
            + panels_words(arms),
        )


def _draw(ax: Any, arm: Arm, rows: pd.DataFrame, layer: int) -> list[dict[str, Any]]:
    bands = {}
    for name in ("p15", "p50", "p85"):
        x, y = curves(rows, arm.shown["run"], "step", name)
        if not len(x):
            return []
        bands[name] = np.median(y, axis=0)
    color = arm.look.color
    ax.fill_between(x, bands["p15"], bands["p85"], color=color, alpha=0.2, linewidth=0)
    for name in ("p15", "p85"):
        ax.plot(x, bands[name], color=color, linewidth=0.8)
    ax.plot(x, bands["p50"], color=color, linewidth=1.8)
    return [
        {"arm": arm.label, **arm.counts, "layer": layer, "step": int(x[at])}
        | {name: float(values[at]) for name, values in bands.items()}
        for at in sorted({0, len(x) // 2, len(x) - 1})
    ]


def _finding(numbers: pd.DataFrame, tensor: str) -> str:
    last = numbers[numbers["layer"] == numbers["layer"].max()].sort_values("step", kind="stable")
    both = last.groupby("arm", sort=False)["p50"].agg(["first", "last"])
    frame = last.drop_duplicates("arm").join(both, on="arm")
    rows = ends(frame.assign(moved=(frame["last"] - frame["first"]).abs()), "moved")
    name, layer = tensor.replace("_", "-"), last["layer"].iloc[0]
    words = said_of_arms(rows, lambda row: f"from {short(row['first'])} to {short(row['last'])}")
    return f"In training the median {name} of layer {layer} moves {words}"
