"""Learning-rate stability: final accuracy and share of stable runs, by rate and norm."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D

from bnexp.errors import UserError
from bnexp.report.arms import Arm, Arms, Source, find_arms
from bnexp.report.chart import Chart, style
from bnexp.report.figures.drawing import (
    draw_lost_cells,
    draw_means,
    ends,
    final_accuracy,
    lost_words,
    percent_axis,
    said_of_arms,
    sweep_handles,
)
from bnexp.report.labels import short
from bnexp.report.shortlist import shortlist
from bnexp.report.statistics import (
    STABLE,
    Best,
    best_rate,
    bracket_ratio,
    half_of,
    is_stable,
    stable_rates,
)
from bnexp.report.style import INK, MUTED

KEY = "optimizer.lr"
FOUND = (
    "has the highest mean validation accuracy, lost runs included, among the rates that have all "
    "seeds"
)
METHOD = (
    "Final test accuracy: mean over the trained runs with the 95% t interval. The best rate "
    f"{{best}}. A run is stable that ends within {100 * STABLE:g} points of the validation "
    "accuracy at its arm's best rate. The largest stable rate of a seed is read off the grid: the "
    "next rate was not stable. Of the seeds' values the one that half of them reach is given, and "
    "of their ratios, paired by seed, with the bounds that the grid leaves."
)
FEW = 14  # rates that have room for words; more, as a search leaves them, lie where they are


def learning_rate(
    source: Source, *, chosen: Callable[[Mapping[Any, Any]], Best | None] | None = None
) -> Chart:
    """Draw accuracy and stability against the learning rate; mark best and largest stable.

    `chosen` says which rate other runs found best for the arm of a run, given its row; by default
    the best is that of the runs drawn.
    """
    arms = find_arms(source)
    if KEY not in arms.varying:
        raise UserError(f"learning_rate: all runs have the same {KEY}")
    lines = shortlist(arms, keep=KEY).without(KEY)
    rates = sorted(lines.runs.runs[KEY].unique())
    best = {
        arm.label: chosen(arm.runs.iloc[0].to_dict()) if chosen else best_rate(arm.runs, KEY)
        for arm in lines
    }
    held = {label: np.inf if one is None else one.accuracy for label, one in best.items()}
    stable = {arm.label: stable_rates(arm.runs, KEY, best=held[arm.label]) for arm in lines}
    at = _places(rates)
    with style():
        chart = Chart("learning_rate", lines, 3.3 + 0.24 * len(lines))
        heights = (3.2, 0.35 + 0.24 * len(lines))
        accuracy, share = chart.subplots(2, 1, sharex=True, height_ratios=heights)
        rows = []
        for arm in lines:
            mine = best[arm.label]
            groups = dict(iter(arm.runs.groupby(KEY)))
            cells = [groups.get(rate) for rate in rates]
            draw_lost_cells(accuracy, arm, cells, at)
            points = draw_means(accuracy, arm, len(lines), cells, at)
            half = half_of(stable[arm.label])
            if mine is not None and mine.value in groups:
                ring = {"markersize": 12, "fillstyle": "none", "color": arm.look.color}
                accuracy.plot(*points[rates.index(mine.value)], "o", **ring)
            for place, (rate, cell) in enumerate(zip(rates, cells, strict=True)):
                if cell is not None:
                    rows.append(_row(arm, rate, cell, mine, half))
                    _draw_share(share, arm, at, place, rows[-1])
        accuracy.set(title="Final test accuracy", ylabel="accuracy")
        percent_axis(accuracy.yaxis)
        _finish_grid(share, lines, rates, at)
        entries = [
            *sweep_handles(lines),
            Line2D([], [], linestyle="", marker="o", markersize=11, markerfacecolor="none",
                   color=MUTED, label="best rate"),
        ]  # fmt: skip
        footer = (
            "Points: mean over trained runs; bars: 95% t interval, cut at 0 and 100%. Below: how "
            f"many of the runs were stable, within {100 * STABLE:g} points of the best rate, the "
            "darker the more; framed: the largest rate that half of the seeds stand. "
            f"{lost_words(lines)}"
        )
        table = pd.DataFrame(rows)
        top = [row for row in ends(_by_arm(table), "stable_up_to") if row["stable_up_to"] > 0]
        if len(top) > 1:
            chart.differences = _ratios(lines, stable, top[-1]["arm"])
        finding = _finding(top, chart.differences)
        method = METHOD.format(best="is the one that pilots chose" if chosen else FOUND)
        return chart.finish(finding, method, table, entries, footer)


def _places(rates: list[float]) -> list[float]:
    """Where the rates stand: few side by side, many by their logarithms, over the same width."""
    if len(rates) <= FEW:
        return [float(place) for place in range(len(rates))]
    logs = np.log(rates)
    found: list[float] = ((logs - logs[0]) / (logs[-1] - logs[0]) * (len(rates) - 1)).tolist()
    return found


def _draw_share(ax: Any, arm: Arm, at: list[float], place: int, row: dict[str, Any]) -> None:
    """One cell of the grid below: how many runs were stable, in words where there is room."""
    framed = row["learning_rate"] == row["stable_up_to"]
    gaps = np.diff(at)
    left, right = (
        0.47 * min([1.0, *beside])  # up to its neighbours, if they are near
        for beside in (gaps[max(place - 1, 0) : place], gaps[place : place + 1])
    )
    box = {"y": arm.place, "width": left + right, "left": at[place] - left, "height": 0.86}
    shade = 0.08 + 0.4 * row["stable"] / row["runs"]
    ax.barh(**box, color=arm.look.color, alpha=shade, linewidth=0)
    if framed:
        ax.barh(**box, facecolor="none", edgecolor=INK, linewidth=1.6, zorder=4)
    if len(at) > FEW:
        return
    ax.text(
        at[place], arm.place, f"{row['stable']} of {row['runs']}", ha="center", va="center",
        fontsize=0.9 * ax.figure.format.font, fontweight="bold" if framed else "normal",
        color=INK if row["stable"] else MUTED,
    )  # fmt: skip


def _finish_grid(ax: Any, arms: Arms, rates: list[float], at: list[float]) -> None:
    ax.set_title("Stable runs")
    if len(rates) <= FEW:
        ax.set_xticks(at, [f"{rate:.3g}" for rate in rates])
    else:
        least, most = (math.floor(math.log10(rate)) for rate in (rates[0], rates[-1]))
        ticks = [part * 10.0**power for power in range(least, most + 1) for part in (1, 3)]
        ticks = [tick for tick in ticks if rates[0] <= tick <= rates[-1]]
        places = np.interp(np.log(ticks), np.log(rates), at)
        ax.set_xticks(places, [f"{tick:.3g}" for tick in ticks])
    ax.set_xlim(-0.6, len(rates) - 0.4)
    ax.set_yticks(range(len(arms)), [arm.label for arm in arms])
    ax.set_ylim(len(arms) - 0.45, -0.55)
    ax.set_xlabel("learning rate")
    ax.grid(False)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)


def _row(
    arm: Arm, rate: float, cell: pd.DataFrame, best: Best | None, half: tuple[float, float]
) -> dict[str, Any]:
    stable = is_stable(cell, np.inf if best is None else best.accuracy)
    return {
        "arm": arm.label,
        "learning_rate": rate,
        "runs": len(cell),
        **final_accuracy(cell),
        "missing": arm.missing,
        "stable": int(stable.sum()),
        "best": best is not None and rate == best.value,
        "stable_up_to": half[0],
        "next_tried": half[1],
    }


def _by_arm(table: pd.DataFrame) -> pd.DataFrame:
    return table.drop_duplicates("arm")


def _ratios(arms: Arms, stable: dict[str, pd.DataFrame], base: str) -> pd.DataFrame:
    """The largest stable rates over those of the arm `base`."""
    rows = []
    for arm in arms:
        if arm.label != base:
            mine, theirs = stable[arm.label], stable[base]
            shared = mine.index.intersection(theirs.index)
            ratios = bracket_ratio(mine, theirs)
            exact = mine.loc[shared, "low"] / theirs.loc[shared, "low"].replace(0.0, np.nan)
            low, high = half_of(ratios)
            rows.append(
                {
                    "arm": arm.label,
                    "over": base,
                    "n": len(shared),
                    "ratio": exact.quantile(0.5, "higher") if len(shared) else np.nan,
                    "low": low,
                    "high": high,
                }
            )
    return pd.DataFrame(rows)


def _finding(top: list[dict[str, Any]], ratios: pd.DataFrame) -> str:
    if not top:
        return "At no learning rate are half of the seeds of an arm stable"
    words = f"Half of the seeds are stable up to a learning rate of {said_of_arms(top, _rate)}"
    if ratios.empty:
        return words
    row = ratios.set_index("arm").loc[top[0]["arm"]]
    if not np.isfinite(row["ratio"]) or row["ratio"] == 1:
        return words
    bounds = f"{short(row['low'])} to {short(row['high'])}" if np.isfinite(row["high"]) else (
        f"{short(row['low'])} or more"
    )  # fmt: skip
    return f"{words}: {short(row['ratio'])} times as large ({bounds}, by the grid)"


def _rate(row: dict[str, Any]) -> str:
    more = "" if np.isfinite(row["next_tried"]) else " or more"
    return f"{row['stable_up_to']:.2g}{more}"
