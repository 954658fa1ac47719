"""What the figures share: legends, tick labels, bands, and marks of runs that are not averaged."""

import textwrap
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator
from matplotlib.transforms import ScaledTranslation, Transform
from numpy.typing import NDArray

from bnexp.report.arms import Arm, Arms
from bnexp.report.chart import letters
from bnexp.report.labels import listed
from bnexp.report.statistics import arm_accuracy, median_band, median_ranks
from bnexp.report.style import DIVERGED, UNTRAINED
from bnexp.report.touch import of_runs, tell

Array = NDArray[np.floating]
POINTS = 150  # of a curve: as many as a panel can show
LOST = "Marked, not averaged: \N{MULTIPLICATION SIGN} diverged, Y not trained."


def final_accuracy(cell: pd.DataFrame) -> dict[str, Any]:
    """Table cells of some runs: their counts, and the mean test accuracy of those that trained."""
    outcome = cell["outcome"]
    estimate = arm_accuracy(cell)
    return {
        "n": estimate.n,
        "diverged": int((outcome == "diverged").sum()),
        "not_trained": int((outcome == "not trained").sum()),
        "test_accuracy_mean": estimate.centre,
        "low": estimate.low,
        "high": estimate.high,
    }


def handles(arms: Iterable[Arm]) -> list[Line2D]:
    """Legend entries that name the arms with their counts."""
    return [Line2D([], [], label=arm.counted, **arm.look.mark) for arm in arms]


def sweep_handles(arms: Iterable[Arm]) -> list[Line2D]:
    """The same where an arm's runs are spread over the x-axis."""
    labels = [arm.counted.replace("(n = ", "(runs: ") for arm in arms]
    pairs = zip(arms, labels, strict=True)
    return [Line2D([], [], label=label, **arm.look.mark) for arm, label in pairs]


def whole(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of the arms that a headline may name: those without missing runs, or all if none is."""
    full = rows[rows["missing"] == 0]
    return full if len(full) else rows


def ends(rows: pd.DataFrame, column: str) -> list[dict[str, Any]]:
    """The rows with the largest and the smallest value of `column`, both where they differ."""
    known = whole(rows.dropna(subset=column)).sort_values(column, kind="stable")
    found = known.to_dict("records")
    return [{str(key): value for key, value in row.items()} for row in found[:-2:-1] + found[:1]][
        : len(found)
    ]


def said_of_arms(rows: Iterable[dict[str, Any]], words: Callable[[dict[str, Any]], str]) -> str:
    """ "1.2 (batch norm) and 3 (no norm)": words of each row, and whose they are."""
    return listed([f"{words(row)} ({row['arm']})" for row in rows])


def percent_axis(axis: Any) -> None:
    """Label an axis of fractions in percent, and let it end just above 100%."""
    axis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g}%"))
    low, high = axis.get_view_interval()
    axis.axes.set(**{f"{axis.axis_name}lim": (low, min(high, 1 + 0.04 * (1 - low)))})


def panel_title(arm: Arm, panels: int) -> str:
    """Label and counts, wrapped to the width of one of `panels` side by side."""
    return _wrapped(arm, max(12, letters(96) // panels))


def _wrapped(arm: Arm, width: int) -> str:
    counts = arm.counted.removeprefix(arm.label).strip()
    return "\n".join([*textwrap.wrap(arm.label, width), *textwrap.wrap(counts, width)])


def arm_rows(arms: Arms) -> float:
    """Inches that the labels of `arm_axis` need."""
    return sum(0.15 * (_wrapped(arm, 30).count("\n") + 1) + 0.1 for arm in arms)


def arm_axis(ax: Axes, arms: Arms) -> None:
    """A y-axis of arms, from the top, with their counts."""
    ax.set_yticks(range(len(arms)), [_wrapped(arm, 30) for arm in arms])
    ax.set_ylim(len(arms) - 0.5, -0.5)
    ax.tick_params(axis="y", length=0)


def plain_log(ax: Axes, which: str) -> None:
    """Make an axis logarithmic, with plain numbers at its ticks."""
    getattr(ax, f"set_{which}scale")("log")
    axis = getattr(ax, f"{which}axis")
    axis.set_major_locator(_Ticks())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(NullLocator())


class _Ticks(LogLocator):
    """At least two ticks in view: powers of ten, parts of them, or round numbers."""

    def tick_values(self, vmin: float, vmax: float) -> Any:
        low, high = sorted((vmin, vmax))
        if high < 5 * low:
            ticks = np.asarray(MaxNLocator(5).tick_values(low, high))
            return ticks[ticks > 0]
        self.set_params(subs=(1, 2, 5) if high < 30 * low else (1, 3) if high < 100 * low else (1,))
        return super().tick_values(vmin, vmax)


def curves(table: pd.DataFrame, runs: pd.Series, x: str, y: str) -> tuple[Array, Array]:
    """Points x that all `runs` have, and their values (runs, points)."""
    part = table[table["run"].isin(set(runs)) & table[y].notna()]
    if part.empty:
        return np.empty(0), np.empty((0, 0))
    wide = part.pivot_table(index="run", columns=x, values=y).dropna(axis="columns")
    return wide.columns.to_numpy(float), wide.to_numpy(float)


def by_run(table: pd.DataFrame, runs: pd.Series, *columns: str) -> list[Array]:
    """The `columns` of each of `runs` that has rows, (points, columns), by the first of them."""
    rows = table.loc[table["run"].isin(set(runs)), ["run", *columns]]
    if rows.empty:
        return []
    rows = rows.sort_values(["run", columns[0]])
    starts = np.flatnonzero(~rows["run"].duplicated())
    return np.split(rows[list(columns)].to_numpy(float), starts[1:])


def thinned(x: Array, y: Array) -> tuple[Array, Array, int]:
    """Means over windows of steps, so that at most 150 points remain; also the window's width."""
    width = -(-len(x) // POINTS)
    whole = len(x) // width * width
    if width <= 1 or not whole:
        return x, y, 1
    centres = x[:whole].reshape(-1, width).mean(1)
    return centres, y[:, :whole].reshape(len(y), -1, width).mean(2), width


def draw_band(ax: Axes, arm: Arm, x: Array, y: Array, marks: int = 6) -> Array:
    """Draw the median of `y` (runs, points) and the interval of order statistics around it.

    Returns the median.
    """
    middle, low, high = median_band(y)
    every = max(1, len(x) // marks)
    start = (3 * arm.place) % every if len(x) > 2 * marks else 0
    ax.plot(x, middle, markevery=(start, every), **arm.look.mark)
    if len(y) > 1:
        ax.fill_between(x, low, high, color=arm.look.color, alpha=0.16, linewidth=0)
    return middle


def draw_means(
    ax: Axes,
    arm: Arm,
    of: int,
    cells: Sequence[pd.DataFrame | None],
    at: Sequence[float],
) -> list[Any]:
    """Draw the mean test accuracy of the cell at each place with its interval; return the points.

    The line breaks where runs were made and none trained; None stands for no runs at all.
    """
    pairs = [(place, cell) for place, cell in enumerate(cells) if cell is not None]
    found = [arm_accuracy(cell) for _, cell in pairs]
    x = [at[place] + dodge(arm, of) for place, _ in pairs]
    y, low, high = np.array([(e.centre, e.low, e.high) for e in found]).reshape(-1, 3).T
    bars = np.nan_to_num([y - low, high - y])
    line = ax.errorbar(x, y, bars, elinewidth=1.2, capsize=0, **arm.look.mark)[0]
    cells_drawn = [cell for (_, cell), e in zip(pairs, found, strict=True) if e.n]
    tell(line, [of_runs(arm.label, cell[cell["outcome"] == "trained"]) for cell in cells_drawn])
    points = {place: point for (place, _), *point in zip(pairs, x, y, strict=True)}
    return [points.get(place) for place in range(len(cells))]


def draw_lost_cells(
    ax: Axes,
    arm: Arm,
    cells: Sequence[pd.DataFrame | None],
    at: Sequence[float],
) -> None:
    """Mark the runs of the cell at each place that are not averaged."""
    for place, cell in zip(at, cells, strict=True):
        if cell is None:
            continue
        low = cell[cell["outcome"] == "not trained"]
        at_end = low["test_accuracy"].astype(float)
        draw_lost(ax, arm, "not trained", [place] * len(low), at_end, runs=low)
        gone = cell[cell["outcome"] == "diverged"]
        bottom = [0.015] * len(gone)
        draw_lost(ax, arm, "diverged", [place] * len(gone), bottom, ax.get_xaxis_transform(), gone)


def dodge(arm: Arm, of: int) -> float:
    """Offset, along an axis of whole numbers, that keeps `of` arms apart."""
    return 0.06 * (arm.place - (of - 1) / 2)


def draw_lost(
    ax: Axes,
    arm: Arm,
    outcome: str,
    x: Any,
    y: Any,
    transform: Transform | None = None,
    runs: pd.DataFrame | None = None,
) -> None:
    """Mark runs that diverged or did not train, arms beside each other where they coincide.

    `runs` are the rows of the runs marked, for the hints.
    """
    marker = DIVERGED if outcome == "diverged" else UNTRAINED
    x, y = np.atleast_1d(x), np.atleast_1d(y)
    if not len(x):
        return
    figure = ax.get_figure(root=True)
    assert figure is not None
    aside = ScaledTranslation(-6 * arm.place / 72, 0, figure.dpi_scale_trans)
    marks = ax.scatter(
        x, y, marker=marker, s=38, linewidths=1.5, color=arm.look.color, zorder=4, clip_on=False,
        transform=(transform or ax.transData) + aside,
    )  # fmt: skip
    marks.set_in_layout(False)
    if runs is not None:
        tell(marks, [of_runs(arm.label, runs.iloc[[i]], outcome) for i in range(len(runs))])
    if transform is None:
        ax.update_datalim(np.column_stack([x, y]))
        ax.autoscale_view()


def band_words(arms: Arms) -> str:
    """How to read lines and bands of medians, with the level that the seeds allow."""
    sizes = sorted({len(arm.trained) for arm in arms if len(arm.trained)})
    if not sizes or sizes == [1]:
        return "Lines: the one run; no interval."
    levels = [f"{100 * median_ranks(n)[1]:.3g}% at n = {n}" for n in sizes if n > 1]
    short = " (95% needs 6 seeds)" if sizes[0] < 6 else ""
    reached = ", ".join(levels) + short
    return f"Lines: median over seeds; bands: its interval from order statistics, {reached}."


def lost_words(arms: Arms) -> str:
    """Explain the marks, where there are any."""
    return LOST if any(len(arm.diverged) + len(arm.untrained) for arm in arms) else ""


def shown_words(arms: Arms) -> str:
    """Say whose layers are drawn hollow."""
    hollow = [arm.label for arm in arms if not len(arm.trained)]
    return f"Hollow: runs that did not train ({', '.join(hollow)})." if hollow else ""


def hollow(arm: Arm) -> dict[str, Any]:
    """Keywords of a line with marks, hollow where no run of the arm trained."""
    if len(arm.trained):
        return arm.look.mark
    edge = {"markerfacecolor": "none", "markeredgecolor": arm.look.color, "markeredgewidth": 1.2}
    return arm.look.mark | edge


def counts_table(arms: Iterable[Arm], rows: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """A table of one row an arm: label, counts, then `rows`."""
    return pd.DataFrame(
        [{"arm": arm.label, **arm.counts, **row} for arm, row in zip(arms, rows, strict=True)]
    )
