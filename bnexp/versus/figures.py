"""The two figures of an answer: paired readings by seed, and learning curves."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from bnexp.comparisons.finding import Quantity
from bnexp.comparisons.readings import Reading
from bnexp.comparisons.verdict import Verdict
from bnexp.comparisons.words import reading_words, speaks_for, with_unit
from bnexp.errors import UserError
from bnexp.report.arms import Arms, group
from bnexp.report.catalogue import draw as draw_by_name
from bnexp.report.chart import Chart, style
from bnexp.report.figures.drawing import plain_log
from bnexp.report.style import INK, MUTED
from bnexp.report.touch import of_runs, tell
from bnexp.runs.tables import Runs
from bnexp.versus.answer import Answer, verdict_words, with_interval

SIDES = {  # colour and marker: readable in grey by the marker
    "for": ("#0072b2", "o"),
    "against": ("#d55e00", "X"),
    "-": ("#777777", "D"),
}
MARGIN: Any = {"color": MUTED, "linewidth": 0.8, "linestyle": (0, (3, 3))}
SEEDS_TOLD = 30  # below the axis, at most
FIGURES = ("seeds", "curves")
NOTHING = Arms(Runs(pd.DataFrame()), ())
PAIRED = "A seed gives both the same data, and the same initial weights where shapes agree. "
METHOD = (
    "Each mark is one seed: the arm against the control. {paired}A bar is what is not known of a "
    "reading; an arrow starts at the only end that is known. Line and band: the median, and all "
    "lines that the seeds do not decide by themselves. Seeds are counted, not averaged."
)


def draw(answer: Answer, name: str) -> Chart:
    """The figure of this name. Raises UserError where there is nothing to draw."""
    if name not in FIGURES:
        raise UserError(f"figure={name}: there are {', '.join(FIGURES)}")
    return _seeds(answer) if name == "seeds" else _curves(answer)


def _arms(answer: Answer) -> Arms | None:
    """The runs of the counted seeds as arms of the report; None where only numbers are known."""
    if answer.runs is None or answer.runs.runs.empty:
        return None
    keys = dict.fromkeys(key for line in answer.lines for key in line.where)
    return group(answer.runs, by=list(keys))


def _curves(answer: Answer) -> Chart:
    arms = _arms(answer)
    if arms is None:
        raise UserError("figure=curves: there are no runs to draw")
    options = {"target": answer.metric.level} if answer.metric.is_time else {}
    return draw_by_name("convergence", arms, **options)


def _seeds(answer: Answer) -> Chart:
    pairs = [one for one in answer.verdicts if one.quantity is not None and one.quantity.n]
    if not pairs:
        raise UserError("figure=seeds: no seed has been read yet")
    rows: list[dict[str, Any]] = []
    with style():
        chart = Chart("seeds", _arms(answer) or NOTHING, 1.5 * len(pairs) + 0.7)
        axes = chart.subplots(len(pairs), 1, squeeze=False, sharex=True, sharey=True)[:, 0]
        for ax, verdict in zip(axes, pairs, strict=True):
            rows += _panel(ax, verdict, answer)
        unit = {"x": "factor", "": answer.metric.title}.get(answer.metric.unit, answer.metric.unit)
        for ax in axes:
            ax.set_ylabel(unit)
        if answer.metric.kind == "ratio":
            plain_log(axes[0], "y")
        every = -(-len(answer.seeds) // SEEDS_TOLD)
        axes[-1].set_xticks(range(0, len(answer.seeds), every), answer.seeds[::every])
        axes[-1].set_xlabel("seed")
        better, worse = answer.metric.words
        words = {"for": better, "against": worse, "-": "says neither"}
        seen = [side for side in SIDES if side in {row["speaks"] for row in rows}]
        handles: list[Any] = [
            Line2D([], [], linestyle="", marker=SIDES[side][1], color=SIDES[side][0],
                   label=words[side])
            for side in seen
        ]  # fmt: skip
        handles.append(Line2D([], [], color=INK, linewidth=1.4, label="median"))
        if any(one.interval is not None and np.isfinite(one.interval).all() for one in pairs):
            handles.append(Patch(color=INK, alpha=0.1, label="not decided"))
        if answer.margin is not None:
            handles.append(Line2D([], [], **MARGIN, label="margin"))
        method = METHOD.format(paired=PAIRED * (answer.runs is not None))
        known = pd.DataFrame(rows).replace([np.inf, -np.inf], np.nan)
        return chart.finish(answer.sentence, method, known, handles)


def _panel(ax: Axes, verdict: Verdict, answer: Answer) -> list[dict[str, Any]]:
    """One pair: a mark for each counted seed."""
    quantity, assertion = verdict.quantity, verdict.assertion
    assert quantity is not None
    label = f"{assertion.quantity} against {answer.control}"
    ax.set_title(f"{label}: {verdict_words(verdict, answer.metric)}, {with_interval(verdict)}")
    ax.axhline(assertion.line, color=MUTED, linewidth=1)
    if answer.margin is not None:
        for line in (assertion.line - answer.margin, assertion.line + answer.margin):
            ax.axhline(line, **MARGIN)
    if np.isfinite(quantity.centre):
        ax.axhline(quantity.centre, color=INK, linewidth=1.4)
    if verdict.interval is not None and np.isfinite(verdict.interval).all():
        ax.axhspan(*verdict.interval, color=INK, alpha=0.1, linewidth=0)
    rows = []
    for place, seed in enumerate(answer.seeds):
        reading = quantity.readings.get(seed)
        speaks = speaks_for(assertion, reading)
        low, high = (reading.low, reading.high) if reading is not None else (np.nan, np.nan)
        rows.append(
            {"arm": assertion.quantity, "minus": answer.control, "seed": seed, "low": low,
             "high": high, "speaks": speaks}
        )  # fmt: skip
        if reading is not None:
            mark = _mark(ax, place, reading, quantity.middle(reading), speaks)
            if mark is not None:
                tell(mark, [_hint(answer, assertion.quantity, quantity, seed)])
    ax.set_xlim(-0.6, max(len(answer.seeds), 2) - 0.4)
    return rows


def _hint(answer: Answer, arm: str, quantity: Quantity, seed: int) -> str:
    """What a mark stands for: the pair's difference, each side's run, and the commands."""
    found = with_unit(reading_words(quantity.readings[seed], quantity), quantity)
    lines = [f"seed {seed}: {arm} against {answer.control}: {found}"]
    for line in answer.lines:
        if line.label in (arm, answer.control) and len(line.runs):
            lines.append(of_runs(line.label, line.runs[line.runs["seed"] == seed]))
    return "\n".join(lines)


def _mark(ax: Axes, x: int, reading: Reading, middle: float, speaks: str) -> Line2D | None:
    """A seed's reading; an arrow where only one end is known, nothing where none is."""
    color, marker = SIDES[speaks]
    if reading.bounded:
        if reading.low < reading.high:
            ax.plot([x, x], [reading.low, reading.high], color=color, alpha=0.4, linewidth=2)
        return ax.plot(x, middle, marker=marker, color=color, linestyle="", markersize=6)[0]
    if np.isfinite(middle) and middle != 0:
        up = np.isfinite(reading.low)
        shape = "^" if up else "v"
        return ax.plot(x, middle, marker=shape, color=color, linestyle="", markersize=7)[0]
    return None
