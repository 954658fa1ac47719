"""Learning-rate stability: final accuracy and share of runs that trained, by rate and norm."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D

from bnexp.errors import UserError
from bnexp.report.arms import Arm, Arms, Source, find_arms
from bnexp.report.chart import Chart, style
from bnexp.report.contrasts import control
from bnexp.report.figures.drawing import (
    dodge,
    draw_lost,
    final_accuracy,
    lost_words,
    percent_axis,
    sweep_handles,
)
from bnexp.report.labels import listed, number
from bnexp.report.shortlist import shortlist
from bnexp.report.statistics import largest_stable, mean_t
from bnexp.report.style import INK, MUTED

KEY = "optimizer.lr"
METHOD = (
    "Final test accuracy: mean over the trained runs with the 95% t interval. The best rate is "
    "chosen by mean validation accuracy among the rates at which most runs trained. The largest "
    "stable rate is the largest at which all runs trained, give or take one step of the grid; no "
    "interval is given on a ratio of two such rates, only the bounds that the grid leaves."
)


def learning_rate(source: Source) -> Chart:
    """Draw accuracy and stability against the learning rate; mark best and largest stable."""
    arms = find_arms(source)
    if KEY not in arms.varying:
        raise UserError(f"learning_rate: all runs have the same {KEY}")
    lines = shortlist(arms, keep=KEY).without(KEY)
    rates = sorted(lines.runs.runs[KEY].unique())
    with style():
        chart = Chart("learning_rate", lines, 3.3 + 0.24 * len(lines))
        heights = (3.2, 0.35 + 0.24 * len(lines))
        accuracy, share = chart.subplots(2, 1, sharex=True, height_ratios=heights)
        rows = []
        stable: dict[str, tuple[float, float, float] | None] = {}
        for arm in lines:
            cells = {rate: arm.runs[arm.runs[KEY] == rate] for rate in rates}
            cells = {rate: cell for rate, cell in cells.items() if len(cell)}
            best = _draw_accuracy(accuracy, arm, len(lines), cells, rates)
            stable[arm.label] = largest_stable(_trained_share(cells))
            _draw_share(share, arm, cells, rates, stable[arm.label])
            rows += [_row(arm, rate, cell, best, stable[arm.label]) for rate, cell in cells.items()]
        accuracy.set(title="Final test accuracy", ylabel="accuracy")
        percent_axis(accuracy.yaxis)
        _finish_grid(share, lines, rates)
        entries = [
            *sweep_handles(lines),
            Line2D([], [], linestyle="", marker="o", markersize=11, markerfacecolor="none",
                   color=MUTED, label="best rate"),
        ]  # fmt: skip
        footer = (
            "Points: mean over trained runs; bars: 95% t interval, cut at 0 and 100%. Below: how "
            f"many of the runs trained; framed: largest stable rate. {lost_words(lines)}"
        )
        finding = _finding(lines, stable)
        return chart.finish(finding, METHOD, pd.DataFrame(rows), entries, footer)


def _trained_share(cells: dict[float, pd.DataFrame]) -> pd.Series:
    return pd.Series(
        {rate: (cell["outcome"] == "trained").mean() for rate, cell in cells.items()}, dtype=float
    )


def _draw_accuracy(
    ax: Any, arm: Arm, of: int, cells: dict[float, pd.DataFrame], rates: list[float]
) -> float | None:
    """Draw one arm and ring its best rate, which is returned."""
    x, y, low, high, scores = [], [], [], [], {}
    for rate, cell in cells.items():
        at = rates.index(rate)
        trained = cell[cell["outcome"] == "trained"]
        if len(trained):
            estimate = mean_t(trained["test_accuracy"].astype(float), 0, 1)
            x.append(at)
            y.append(estimate.centre)
            low.append(np.nan_to_num(estimate.centre - estimate.low))
            high.append(np.nan_to_num(estimate.high - estimate.centre))
            if 2 * len(trained) > len(cell):
                scores[rate] = trained["val_accuracy"].astype(float).mean()
        lost = cell[cell["outcome"] == "not trained"]
        draw_lost(ax, arm, "not trained", [at] * len(lost), lost["test_accuracy"].astype(float))
        lost = cell[cell["outcome"] == "diverged"]
        draw_lost(
            ax, arm, "diverged", [at] * len(lost), [0.015] * len(lost), ax.get_xaxis_transform()
        )
    places = np.array(x) + dodge(arm, of)
    ax.errorbar(places, y, (low, high), elinewidth=1.2, capsize=0, **arm.look.mark)
    if not scores:
        return None
    best = max(scores, key=lambda rate: (scores[rate], -rate))
    at = x.index(rates.index(best))
    ax.plot(places[at], y[at], "o", markersize=12, markerfacecolor="none", color=arm.look.color)
    return best


def _draw_share(
    ax: Any,
    arm: Arm,
    cells: dict[float, pd.DataFrame],
    rates: list[float],
    stable: tuple[float, float, float] | None,
) -> None:
    for rate, cell in cells.items():
        at, trained = rates.index(rate), int((cell["outcome"] == "trained").sum())
        share = trained / len(cell)
        framed = stable is not None and stable[0] == rate
        ax.barh(
            arm.place, 0.94, left=at - 0.47, height=0.86, color=arm.look.color,
            alpha=0.08 + 0.4 * share, linewidth=0,
        )  # fmt: skip
        if framed:
            ax.barh(
                arm.place, 0.94, left=at - 0.47, height=0.86, facecolor="none",
                edgecolor=INK, linewidth=1.6, zorder=4,
            )  # fmt: skip
        lost = len(cell) - trained
        ax.text(
            at, arm.place, f"{trained} of {len(cell)}", ha="center", va="center", fontsize=8,
            fontweight="bold" if framed else "normal", color=INK if not lost or trained else MUTED,
        )  # fmt: skip


def _finish_grid(ax: Any, arms: Arms, rates: list[float]) -> None:
    ax.set_title("Runs that trained")
    ax.set_xticks(range(len(rates)), [f"{rate:g}" for rate in rates])
    ax.set_xlim(-0.6, len(rates) - 0.4)
    ax.set_yticks(range(len(arms)), [arm.label for arm in arms])
    ax.set_ylim(len(arms) - 0.45, -0.55)
    ax.set_xlabel("learning rate")
    ax.grid(False)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)


def _row(
    arm: Arm,
    rate: float,
    cell: pd.DataFrame,
    best: float | None,
    stable: tuple[float, float, float] | None,
) -> dict[str, Any]:
    return {
        "arm": arm.label,
        "learning_rate": rate,
        **final_accuracy(cell),
        "best": rate == best,
        "largest_stable": stable is not None and rate == stable[0],
    }


def _finding(arms: Arms, stable: dict[str, tuple[float, float, float] | None]) -> str:
    known = {label: rate for label, rate in stable.items() if rate is not None}
    if not known:
        return "At no learning rate did all runs of an arm train"
    ranked = sorted(known, key=lambda label: known[label][0])
    ends = dict.fromkeys([ranked[-1], ranked[0]])
    words = listed([f"{_rate(known[label])} ({label})" for label in ends])
    ratio = _ratio(control(arms).label, ranked[-1], known)
    return f"The largest learning rate at which every run trained is {words}{ratio}"


def _rate(rate: tuple[float, float, float]) -> str:
    return f"{rate[0]:g}" if np.isfinite(rate[2]) else f"{rate[0]:g} or more"


def _ratio(base: str, top: str, known: dict[str, tuple[float, float, float]]) -> str:
    """Ratio of two stable rates with the bounds that the grid leaves."""
    if base not in known or base == top or known[base][0] == known[top][0]:
        return ""
    a, b = known[base], known[top]
    low = b[0] / a[2] if np.isfinite(a[2]) else 0
    high = b[2] / a[0]
    bounds = f"{number(low)} to {number(high)}" if np.isfinite(high) else f"{number(low)} or more"
    return f": {number(b[0] / a[0])} times as large ({bounds}, by the grid)"
