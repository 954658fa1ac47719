"""The two figures that every row of the ledger can have: assertions, and printed numbers."""

import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter

from bnexp.comparisons.entry import Entry
from bnexp.comparisons.verdict import Verdict
from bnexp.comparisons.words import counted, measured, rule, with_unit
from bnexp.comparisons.words import shown as median_words
from bnexp.comparisons.working import Printed, Step
from bnexp.report.arms import Arms
from bnexp.report.chart import Chart, style
from bnexp.report.figures.drawing import plain_log
from bnexp.report.labels import number
from bnexp.report.style import INK, MUTED, PAPER
from bnexp.runs.tables import Runs

LOOKS: dict[str, tuple[str, str]] = {  # colour and marker: readable in grey by the marker
    "yes": ("#0072b2", "o"),
    "here too": ("#0072b2", "o"),
    "no": ("#d55e00", "X"),
    "not here": ("#d55e00", "X"),
    "no difference": ("#cc79a7", "s"),
    "likely yes": ("#56b4e9", "o"),
    "likely no": ("#e69f00", "X"),
    "open": ("#777777", "D"),
    "exact": ("#0072b2", "o"),
    "rounded": ("#56b4e9", "s"),
    "erratum": ("#d55e00", "X"),
}
BAND = "#009e73"
NOBODY = Arms(Runs(pd.DataFrame()), ())
METHOD = (
    "Every seed's reading (dots; a line where it lies between two values), the median (large mark) "
    "and the interval of the lines that the seeds do not decide by themselves, against what the "
    "source says. Verdicts count seeds."
)


def judged(entry: Entry) -> list[Verdict]:
    """The verdicts that `assertions` shows."""
    return [v for v in entry.verdicts if v.word != "not measured" and v.quantity is not None]


def assertions(entry: Entry) -> Chart:
    """Measured intervals against the documented bounds, where something was measured."""
    shown = judged(entry)
    panels = _panels(shown)
    heights = list(map(_height, panels))
    with style():
        chart = Chart(f"{entry.comparison.id}-verdicts", NOBODY, sum(x + 0.55 for x in heights))
        ratios = [x + 0.22 for x in heights]
        axes = chart.subplots(len(panels), 1, squeeze=False, height_ratios=ratios)
        for ax, panel in zip(axes[:, 0], panels, strict=True):
            _panel(ax, panel)
        entries: list[Any] = _marks(verdict.word for verdict in shown)
        entries.append(Patch(color=BAND, alpha=0.18, label="documented"))
        table = pd.DataFrame(
            [
                {
                    "says": v.assertion.says,
                    "documented": rule(v.assertion),
                    "measured": measured(v),
                    "for": v.lines.yes.k if v.lines is not None else 0,
                    "against": v.lines.no.k if v.lines is not None else 0,
                    "n": v.n,
                    "verdict": v.word,
                }
                for v in shown
            ]
        )
        told = f"{entry.found.summary.rstrip('.')}. " if entry.found is not None else ""
        return chart.finish(_title(shown), told + METHOD, table, entries)


def _title(verdicts: Sequence[Verdict]) -> str:
    """What is drawn, in words: the first claims with their medians, the others counted."""
    said = []
    for one in verdicts:
        assert one.quantity is not None
        median = with_unit(median_words(one.quantity), one.quantity)
        said.append(f"{one.assertion.says}: {one.word}, {median}")
    if len(said) > 2:
        rest = counted(one.word for one in verdicts[1:])
        said[1:] = [f"of {len(verdicts) - 1} more claims {rest}"]
    text = "; ".join(said)
    return text[:1].upper() + text[1:]


def _panels(verdicts: Sequence[Verdict]) -> list[list[Verdict]]:
    """Verdicts that can share an axis: same kind, unit and rule; in order."""
    panels: dict[tuple[Any, ...], list[Verdict]] = {}
    for verdict in verdicts:
        assert verdict.quantity is not None
        a = verdict.assertion
        key = (verdict.quantity.kind, verdict.quantity.unit, rule(a), a.quantity)
        same_rule = (verdict.quantity.kind, verdict.quantity.unit, rule(a))
        home = next(
            (k for k in panels if k[:3] == same_rule and verdict.quantity.kind != "fact"), key
        )
        panels.setdefault(home, []).append(verdict)
    return list(panels.values())


def _panel(ax: Axes, panel: Sequence[Verdict]) -> None:
    quantity = panel[0].quantity
    assert quantity is not None
    log = quantity.kind == "ratio"
    for place, verdict in enumerate(panel):
        assert verdict.quantity is not None
        color, marker = LOOKS[verdict.word]
        _seeds(ax, verdict, place, color)
        ax.plot(
            verdict.quantity.centre, place, marker=marker, color=color, markersize=8,
            markeredgecolor=PAPER, markeredgewidth=0.8, linestyle="",
        )  # fmt: skip
    _band(ax, panel, log)
    ax.set_yticks(range(len(panel)), [_label(verdict) for verdict in panel])
    ax.set_ylim(len(panel) - 0.5, -0.5)
    ax.tick_params(axis="y", length=0)
    ax.grid(False, axis="y")
    unit = {"x": "ratio", "": quantity.kind}.get(quantity.unit, quantity.unit)
    ax.set_xlabel(unit, fontsize=8)
    if log:
        plain_log(ax, "x")


def _height(panel: Sequence[Verdict]) -> float:
    """Inches for the rows of a panel, by the longest label."""
    return len(panel) * (0.04 + 0.16 * max(2, *(_label(one).count("\n") + 1 for one in panel)))


def _label(verdict: Verdict) -> str:
    bounds = rule(verdict.assertion).replace(" ", "\N{NO-BREAK SPACE}")
    return "\n".join(textwrap.wrap(f"{verdict.assertion.says} ({bounds})", 46))


def _seeds(ax: Axes, verdict: Verdict, place: int, color: str) -> None:
    """Each reading, below the interval of undecided lines; an arrow where only an end is known."""
    quantity = verdict.quantity
    assert quantity is not None
    if verdict.interval is not None and np.isfinite(verdict.interval).all():
        ax.plot(verdict.interval, [place, place], color=color, linewidth=2)
    if quantity.kind == "fact":
        return
    below = place + 0.22
    for reading in quantity.readings.values():
        known = [end for end in (reading.low, reading.high) if np.isfinite(end)]
        if len(known) == 2:
            ax.plot(known, [below, below], color=color, alpha=0.25, linewidth=1)
            marker: Any = "."
        else:
            marker = 5 if reading.low in known else 4  # carets: right, left
        if known and not (quantity.kind == "ratio" and quantity.middle(reading) <= 0):
            ax.plot(
                quantity.middle(reading), below, marker=marker, color=color, alpha=0.5, markersize=4
            )


def _band(ax: Axes, panel: Sequence[Verdict], log: bool) -> None:
    """Shade what the source says; the axis reaches over it and over everything measured."""
    a = panel[0].assertion
    lines = a.within or [x for x in (a.above, a.below, a.equals) if x is not None]
    seen = [
        x
        for v in panel
        if v.quantity
        for x in (v.quantity.centre, *map(v.quantity.middle, v.quantity.readings.values()))
    ]
    shown = np.array([x for x in (*lines, *seen) if np.isfinite(x) and (x > 0 or not log)])
    scale = np.log(shown) if log else shown
    pad = 0.08 * float(np.ptp(scale)) or 0.1 * abs(float(scale[0])) or 1.0
    low, high = float(scale.min()) - pad, float(scale.max()) + pad
    if log:
        low, high = float(np.exp(low)), float(np.exp(high))
    left = a.within[0] if a.within else (a.above if a.above is not None else low)
    right = a.within[1] if a.within else (a.below if a.below is not None else high)
    if a.equals is None:
        ax.axvspan(left, right, color=BAND, alpha=0.18, linewidth=0)
    for line in lines:
        if line > 0 or not log:
            ax.axvline(line, color=BAND, linewidth=1.2)
    ax.set_xlim(low, high)


def _marks(words: Iterable[str]) -> list[Line2D]:
    """The legend: words that look the same share a mark."""
    looks: dict[tuple[str, str], list[str]] = {}
    for word in dict.fromkeys(words):
        looks.setdefault(LOOKS[word], []).append(word)
    return [
        Line2D(
            [], [], linestyle="", marker=marker, color=color, markersize=7, label=", ".join(same)
        )
        for (color, marker), same in looks.items()
    ]


def recomputed(entry: Entry) -> list[tuple[Step, Printed]]:
    """The printed numbers that `printed_numbers` shows, each with its verdict."""
    return [(s, word) for s, word in entry.printed if s.is_number and entry.found is not None]


def printed_numbers(entry: Entry) -> Chart:
    """How far each printed number is from the recomputed one, in units of its last digit."""
    pairs = recomputed(entry)
    assert entry.found is not None
    with style():
        chart = Chart(f"{entry.comparison.id}-printed", NOBODY, 0.2 * len(pairs) + 0.9)
        ax = chart.subplots()
        ax.axvspan(-0.5, 0.5, color=BAND, alpha=0.18, linewidth=0)
        distances = []
        for place, (step, word) in enumerate(pairs):
            distance = (step.printed_value - step.value) / step.last_digit
            distances.append(distance)
            color, marker = LOOKS[word]
            ax.plot([0, distance], [place, place], color=color, linewidth=1)
            ax.plot(distance, place, marker=marker, color=color, linestyle="", markersize=6)
        ax.set_xscale("symlog", linthresh=1)
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
        ax.set_yticks(range(len(pairs)), [step.label for step, _ in pairs])
        ax.set_ylim(len(pairs) - 0.5, -0.5)
        reach = max(2.0, *map(abs, distances)) * 1.5
        ax.set_xlim(-reach, reach)
        ax.axvline(0, color=INK, linewidth=0.8)
        ax.set_xlabel("printed minus recomputed, in units of the last printed digit", color=MUTED)
        table = pd.DataFrame(
            [
                {"step": s.label, "printed": s.printed, "recomputed": s.value, "verdict": word,
                 "formula": s.formula, "explanation": s.explains}
                for s, word in pairs
            ]
        )  # fmt: skip
        handles: list[Any] = _marks(word for _, word in pairs)
        handles.append(Patch(color=BAND, alpha=0.18, label="right to the last printed digit"))
        method = (
            "Every printed number of the source beside the one recomputed from the source's own "
            "inputs. Rounded: within half a unit of the last printed digit."
        )
        return chart.finish(entry.found.summary, method, table, handles)
