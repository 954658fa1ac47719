"""Activation-gradient norms by layer and step, one heat map an arm."""

from math import ceil

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.ticker import FuncFormatter

from bnexp.errors import UserError
from bnexp.report.arms import Source, find_arms
from bnexp.report.chart import Chart, style
from bnexp.report.figures.drawing import counts_table, ends, panel_title, said_of_arms
from bnexp.report.labels import short
from bnexp.report.shortlist import shortlist

COLUMNS = 4
METHOD = (
    "Median over the trained runs of an arm, over all its runs where none trained, of the L2 norm "
    "of dL/dz, z a layer's output before norm and activation. One colour scale for all arms; "
    "columns are the recorded steps, at equal distances. The spread is the largest over the "
    "smallest norm among the hidden layers."
)


def gradient_map(source: Source) -> Chart:
    """Draw how gradients are spread over the layers through training."""
    arms = shortlist(find_arms(source))
    table = arms.runs.gradients
    if table.empty:
        raise UserError("gradient_map: these runs recorded no gradients; train with probes=default")
    maps = []
    for arm in arms:
        part = table[table["run"].isin(set(arm.shown["run"]))]
        maps.append(
            part.pivot_table(
                index="index", columns="step", values="activation_gradient_norm", aggfunc="median"
            )
        )
    values = np.concatenate([m.to_numpy(float).ravel() for m in maps])
    values = values[values > 0]
    if not len(values):
        raise UserError("gradient_map: no gradient norm above 0")
    scale = LogNorm(*np.quantile(values, (0.005, 0.995)))
    columns = min(COLUMNS, len(maps))
    rows = ceil(len(maps) / columns)
    with style():
        chart = Chart("gradient_map", arms, 0.6 + 2.0 * rows)
        grid = chart.subplots(rows, columns, squeeze=False, sharey=True)
        image = None
        for ax, arm, values_by_layer in zip(grid.flat, arms, maps, strict=False):
            image = ax.imshow(
                values_by_layer, norm=scale, cmap="viridis", aspect="auto", origin="lower",
                interpolation="none",
            )  # fmt: skip
            ax.grid(False)
            ax.set(title=panel_title(arm, columns + 1), xlabel="step")
            _step_ticks(ax, values_by_layer.columns)
            layers = values_by_layer.index
            every = max(1, len(layers) // 6)
            ax.set_yticks(range(0, len(layers), every), layers[::every])
        for ax in grid.flat[len(maps) :]:
            ax.set_visible(False)
        for ax in grid[:, 0]:
            ax.set_ylabel("layer")
        assert image is not None
        bar = chart.colorbar(image, ax=grid, label="‖dL/dz‖", shrink=0.9, extend="both")
        bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        numbers = counts_table(arms, [_row(m) for m in maps])
        return chart.finish(_finding(numbers), METHOD, numbers, footer="One colour scale.")


def _step_ticks(ax: Axes, steps: pd.Index) -> None:
    at = sorted({round(place) for place in np.linspace(0, len(steps) - 1, 4)})
    ax.set_xticks(at, [f"{steps[place]:g}" for place in at])


def _row(norms: pd.DataFrame) -> dict[str, float]:
    hidden = norms.iloc[:-1] if len(norms) > 1 else norms
    spread = hidden.max() / hidden.min().where(hidden.min() > 0)
    first, last = spread.iloc[0], spread.iloc[-1]
    return {
        "spread_at_first_step": first,
        "last_step": norms.columns[-1],
        "spread_at_last_step": last,
    }


def _finding(numbers: pd.DataFrame) -> str:
    rows = ends(numbers, "spread_at_last_step")
    if not rows:
        return "Gradients through training"
    words = said_of_arms(rows, lambda row: short(row["spread_at_last_step"]))
    return f"At the end, the largest gradient among hidden layers is {words} times the smallest"
