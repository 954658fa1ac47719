"""Activation histograms: ridges by layer at chosen steps, arms side by side on one scale."""

from typing import Any

import numpy as np
import pandas as pd

from bnexp.report.arms import Arm, Source, find_arms
from bnexp.report.chart import Chart, style
from bnexp.report.figures.activations import TENSORS, panels_words, side_by_side, tensor_rows
from bnexp.report.figures.drawing import Array, ends, panel_title, said_of_arms
from bnexp.report.figures.gradients import END, at_steps
from bnexp.report.labels import short
from bnexp.report.shortlist import shortlist

POINTS = 49  # of a ridge
Pooled = dict[int, list[tuple[Array, Array]]]  # layer: edges and cumulative shares of each run
METHOD = (
    "Histograms of 64 bins over one batch in training mode, pooled over the trained runs of an arm "
    "(over those that did not train where there are none). Each curve is scaled to its own "
    "peak; the scale of values is the same in all panels and holds 99% of the values of every "
    "ridge."
)


def histograms(
    source: Source, *, tensor: str = "pre_activation", steps: tuple[int, ...] = (0, 100, END)
) -> Chart:
    """Draw histograms of `tensor` (pre_activation, activation or input) at steps (-1: last)."""
    arms = shortlist(find_arms(source))
    table = tensor_rows(arms, "histograms", tensor)
    drawn = side_by_side(arms)
    at = at_steps(table, steps)
    pooled = {
        (arm.place, step): _cumulative(rows[rows["run"].isin(set(_runs(arm, step)))])
        for arm in drawn
        for step, rows in at
    }
    layers = sorted({layer for ridges in pooled.values() for layer in ridges})
    with style():
        chart = Chart("histograms", arms, len(at) * (0.55 + 0.2 * min(len(layers), 12)) + 0.5)
        grid = chart.subplots(len(at), len(drawn), sharex=True, sharey=True, squeeze=False)
        numbers: list[dict[str, Any]] = []
        for line, (step, rows) in zip(grid, at, strict=True):
            name = "step 0" if step == 0 else f"step {rows['step'].max()}"
            line[0].set_ylabel(f"{name}\nlayer")
            for ax, arm in zip(line, drawn, strict=True):
                ridges = pooled[arm.place, step]
                numbers += [
                    {"arm": arm.label, **arm.counts, "step": rows["step"].max(), "layer": layer}
                    | _ridge(ax, layers.index(layer), ridges[layer], arm.look.color)
                    for layer in ridges
                ]
                ax.set_yticks(range(len(layers)), layers)
                ax.tick_params(axis="y", length=0)
        for ax, arm in zip(grid[0], drawn, strict=True):
            ax.set_title(panel_title(arm, len(drawn)))
        for ax in grid[-1]:
            ax.set_xlabel(tensor.replace("_", "-"))
        frame = pd.DataFrame(numbers)
        return chart.finish(
            _finding(frame, tensor),
            f"{tensor.replace('_', '-').capitalize()}: {TENSORS[tensor]}. {METHOD}",
            frame,
            footer=f"Each ridge is scaled to its own peak. {panels_words(arms)}",
        )


def _runs(arm: Arm, step: int) -> pd.Series:
    return arm.runs["run"] if step == 0 else arm.shown["run"]


def _cumulative(rows: pd.DataFrame) -> Pooled:
    pooled: Pooled = {}
    for layer, low, high, counts in zip(
        rows["index"], rows["low"], rows["high"], rows["counts"], strict=True
    ):
        bins = np.array(str(counts).split(), float)
        if np.isfinite([low, high]).all() and bins.sum() > 0:
            edges = np.linspace(low, high if high > low else low + 1e-6, len(bins) + 1)
            pooled.setdefault(layer, []).append((edges, np.append(0, bins.cumsum() / bins.sum())))
    return pooled


def _ridge(ax: Any, place: int, runs: list[tuple[Array, Array]], color: str) -> dict[str, float]:
    """Draw the middle 99% of one layer's values; return its quantiles."""
    edges, shares = _middle(runs)
    mass = np.diff(shares)
    height = 0.9 * mass / max(mass.max(), 1e-12)
    x = (edges[1:] + edges[:-1]) / 2
    ax.fill(
        [edges[0], *x, edges[-1]], [place, *(place + height), place],
        color=color, alpha=0.6, linewidth=0, zorder=3 - place / 99,
    )  # fmt: skip
    quantiles = np.interp((0.15, 0.5, 0.85), *_rising(shares, edges))
    return dict(zip(("p15", "p50", "p85"), quantiles.tolist(), strict=True))


def _middle(runs: list[tuple[Array, Array]]) -> tuple[Array, Array]:
    """Edges over the middle 99% of the runs' values, and the mean share of values below each."""
    spans = [np.interp((0.005, 0.995), shares, edges) for edges, shares in runs]
    edges = np.linspace(np.min(spans, 0)[0], np.max(spans, 0)[1], POINTS + 1)
    return edges, np.mean([np.interp(edges, *run) for run in runs], axis=0)


def density(rows: pd.DataFrame) -> tuple[Array, Array]:
    """Edges of bins, and the share in each, of one layer's values pooled over runs."""
    runs = [run for layer in _cumulative(rows).values() for run in layer]
    if not runs:
        return np.empty(0), np.empty(0)
    edges, shares = _middle(runs)
    return edges, np.diff(shares)


def _rising(shares: Array, edges: Array) -> tuple[Array, Array]:
    shares, places = np.unique(shares, return_index=True)
    return shares, edges[places]


def _finding(numbers: pd.DataFrame, tensor: str) -> str:
    last = numbers[numbers["step"] == numbers["step"].max()]
    last = last[last["layer"] == last["layer"].max()]
    rows = ends(last.assign(width=last["p85"] - last["p15"]), "width")[::-1]
    if not rows:
        return f"Histograms of {tensor.replace('_', '-')}s"
    words = said_of_arms(rows, lambda row: f"{short(row['p15'])} to {short(row['p85'])}")
    name, layer, step = tensor.replace("_", "-"), rows[0]["layer"], rows[0]["step"]
    return f"At step {step} the middle 70% of layer {layer}'s {name}s lie at {words}"
