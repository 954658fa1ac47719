"""What a comparison has come to: one sentence, a table, what to beware of."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from bnexp.comparisons.finding import Quantity
from bnexp.comparisons.readings import Readings
from bnexp.comparisons.verdict import Verdict
from bnexp.comparisons.words import interval_words, shown, with_unit
from bnexp.report.labels import number
from bnexp.report.table import duration
from bnexp.runs.tables import Runs
from bnexp.versus.metrics import Metric

if TYPE_CHECKING:
    from bnexp.report.chart import Chart

COLUMNS = (
    "arm", "learning_rate", "seeds", "started", "median", "reads", "not_trained", "diverged",
    "difference", "differs", "low", "high", "for", "against", "e", "verdict", "why", "parameters",
    "seconds",
)  # fmt: skip


@dataclass(frozen=True)
class Line:
    """One arm so far: its runs of the counted seeds, and its value by seed.

    `rate` is NaN and `where` empty where nothing is known of its runs; `started` counts the judged
    seeds that were asked for.
    """

    label: str
    readings: Readings
    where: Mapping[str, Any] = field(default_factory=dict)
    rate: float = math.nan
    tuned: bool = False
    ended: int = 0
    started: int = 0
    runs: pd.DataFrame = field(default_factory=pd.DataFrame)

    def lost(self, outcome: str) -> int:
        """Number of its runs that ended with this outcome."""
        return int((self.runs["outcome"] == outcome).sum()) if len(self.runs) else 0

    def median(self, column: str) -> float:
        """The median of a column of its runs; NaN where there is none."""
        if column not in self.runs:
            return math.nan
        return float(pd.to_numeric(self.runs[column], errors="coerce").median())


@dataclass(frozen=True)
class Answer:
    """The answer so far; valid whenever it is looked at.

    `table` is a row an arm, the control's first; `sentence` says it in words; `warnings` tell
    where it is not fair or cannot be seen; `held` and `chosen` are what was held fixed and what
    pilots chose. `figure()` draws the readings by seed, `figure("curves")` the learning curves.
    """

    metric: Metric
    control: str
    lines: Sequence[Line]
    verdicts: Sequence[Verdict]
    seeds: Sequence[int]
    where: str  # the dataset in words
    held: str = ""
    chosen: str = ""
    warnings: Sequence[str] = ()
    margin: float | None = None
    runs: Runs | None = None
    stopped: str = ""  # why it is not the end
    command: str = ""

    @property
    def heads(self) -> dict[str, str]:
        """The heads of the table as people read it."""
        return {
            "arm": "arm",
            "rate": "learning rate",
            "seeds": "seeds",
            "median": self.metric.title,
            "lost": "not trained",
            "difference": f"against {self.control}",
            "for": self.metric.words[0],
            "against": self.metric.words[1],
            "verdict": "verdict",
            "parameters": "parameters",
            "seconds": "time",
        }

    @cached_property
    def table(self) -> pd.DataFrame:
        """The numbers: a row an arm.

        A median of which only a bound is known is NaN; `reads` and `differs` are medians as text.
        """
        by_label = {one.assertion.quantity: one for one in self.verdicts}
        rows = [_row(line, by_label.get(line.label), self.metric) for line in self.lines]
        return pd.DataFrame(rows, columns=list(COLUMNS))

    @property
    def frame(self) -> pd.DataFrame:
        """`table`, under the name that formats know."""
        return self.table

    @property
    def cells(self) -> pd.DataFrame:
        """The table as text for people; columns in which nothing stands are left out."""
        by_label = {one.assertion.quantity: one for one in self.verdicts}
        rows = [
            _cells(row, by_label.get(str(row["arm"])), self.control)
            for row in self.table.to_dict("records")
        ]
        table = pd.DataFrame(rows, columns=list(self.heads))
        empty = [name for name in table if not table[name].astype(bool).any()]
        return table.drop(columns=empty)

    @property
    def caption(self) -> str:
        """What stands below the table."""
        parts = [
            f"{self.sentence}.",
            f"Held fixed: {self.held}." if self.held else "",
            f"Chosen: {self.chosen}." if self.chosen else "",
            "Intervals hold all lines that the seeds do not decide by themselves.",
        ]
        return " ".join(filter(None, parts))

    @cached_property
    def sentence(self) -> str:
        """The answer in one sentence, without a full stop."""
        if not self.seeds:
            return f"Nothing is known yet{f': {self.stopped}' if self.stopped else ''}"
        tuned = any(line.tuned for line in self.lines)
        rates = ", at the rates chosen" if tuned and not self.metric.is_search else ""
        on = f" on {self.where}" if self.where else ""
        if len(self.verdicts) == 1:
            [one] = self.verdicts
            return f"{capital(self._claim(one, on))}: {self._detail(one)}{rates}"
        told = [f"{one.assertion.quantity} {self._short(one)}" for one in self.verdicts]
        return f"Against {self.control}{on}: {'; '.join(told)}{rates}"

    def _claim(self, verdict: Verdict, on: str) -> str:
        arm, control = verdict.assertion.quantity, self.control
        better, worse = self.metric.words
        if not self.metric.sign:
            of = f" in {self.metric.title}"
            better, worse = better + of, worse + of
        if verdict.word == "no difference":
            margin = with_unit(number(self.margin or 0), verdict.quantity or Quantity({}))
            return f"{arm} is as good as {control}{on}, within {margin}"
        if verdict.word in ("yes", "likely yes"):
            return f"{arm} is {_likely(verdict)}{better} than {control}{on}"
        if verdict.word in ("no", "likely no"):
            return f"{arm} is {_likely(verdict)}{worse} than {control}{on}"
        return f"whether {arm} is {better} than {control}{on} is undecided"

    def _short(self, verdict: Verdict) -> str:
        return f"is {verdict_words(verdict, self.metric)} ({self._detail(verdict)})"

    def _detail(self, verdict: Verdict) -> str:
        """ "14 of 15 seeds, 1.2 points (0.6 to 1.9)"."""
        if verdict.lines is None:
            return "no seed could be read"
        lines = verdict.lines
        if verdict.word == "no difference":
            k, side = min(lines.same), ""
        elif verdict.decided or verdict.word.startswith("likely"):
            k, side = lines.stronger.k, ""
        else:
            k, side = lines.yes.k, f" {self.metric.words[0]}"
        return f"{k} of {lines.n} seeds{side}, {with_interval(verdict)}"

    def figure(self, name: str = "seeds") -> Chart:
        """The paired readings by seed, or with "curves" how the arms learn. Raises UserError."""
        from bnexp.versus.figures import draw

        return draw(self, name)

    def page(self, out: str | Path = "compare") -> Path:
        """Write page, figures and tables into the folder `out`; return the page's path."""
        from bnexp.versus.page import write

        return write(self, Path(out))

    def as_json(self) -> dict[str, Any]:
        """Everything as plain data; what is infinite or unknown is null."""
        return {
            "sentence": self.sentence,
            "metric": self.metric.name,
            "control": self.control,
            "margin": self.margin,
            "seeds": list(self.seeds),
            "held": self.held,
            "chosen": self.chosen,
            "warnings": list(self.warnings),
            "stopped": self.stopped or None,
            "arms": _as_plain(self.table),
            "readings": _as_plain(self.by_seed()),
        }

    def by_seed(self) -> pd.DataFrame:
        """Every arm's reading of every counted seed: seed, arm, low, high."""
        return pd.DataFrame(
            [
                {"seed": seed, "arm": line.label, "low": reading.low, "high": reading.high}
                for seed in self.seeds
                for line in self.lines
                if (reading := line.readings.get(seed)) is not None
            ],
            columns=["seed", "arm", "low", "high"],
        )

    def __str__(self) -> str:
        from bnexp.versus.showing import text

        return text(self)

    def _repr_html_(self) -> str:
        from bnexp.report.formats import html

        return html(self)


def _as_plain(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {str(key): _plain(value) for key, value in row.items()} for row in table.to_dict("records")
    ]


def _plain(value: Any) -> Any:
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _likely(verdict: Verdict) -> str:
    return "likely " if verdict.word.startswith("likely") else ""


def verdict_words(verdict: Verdict, metric: Metric) -> str:
    """A verdict in the metric's words: "better", "likely worse", "no difference", "undecided"."""
    better, worse = metric.words
    words = {
        "yes": better,
        "no": worse,
        "likely yes": f"likely {better}",
        "likely no": f"likely {worse}",
        "no difference": "as good",
    }
    word = words.get(verdict.word, "undecided")
    return f"{word}, {verdict.reason}" if verdict.word == "yes" and verdict.reason else word


def with_interval(verdict: Verdict) -> str:
    """ "1.2 points (0.6 to 1.9)": the median and the lines that are not decided by themselves."""
    quantity = verdict.quantity
    if quantity is None or not quantity.n:
        return "not measured"
    text = with_unit(shown(quantity), quantity)
    return text + (interval_words(*verdict.interval) if verdict.interval is not None else "")


def _row(line: Line, verdict: Verdict | None, metric: Metric) -> dict[str, Any]:
    own = Quantity(line.readings, metric.kind)
    lines = verdict.lines if verdict is not None else None
    low, high = (verdict.interval if verdict is not None else None) or (math.nan, math.nan)
    quantity = verdict.quantity if verdict is not None else None
    return {
        "arm": line.label,
        "learning_rate": line.rate,
        "seeds": line.ended,
        "started": line.started,
        "median": _known(own),
        "reads": value(own, metric),
        "not_trained": line.lost("not trained"),
        "diverged": line.lost("diverged"),
        "difference": _known(quantity) if quantity is not None else math.nan,
        "differs": shown(quantity) if quantity is not None else "",
        "low": low,
        "high": high,
        "for": lines.yes.k if lines is not None else math.nan,
        "against": lines.no.k if lines is not None else math.nan,
        "e": round(lines.stronger.e, 3) if lines is not None else math.nan,
        "verdict": verdict_words(verdict, metric) if verdict is not None else "",
        "why": verdict.reason if verdict is not None else "",
        "parameters": line.median("parameters"),
        "seconds": line.median("seconds_training"),
    }


def _known(quantity: Quantity) -> float:
    """The median as a number; NaN where only a bound of it is known."""
    found = quantity.median
    return quantity.centre if found is not None and found.bounded else math.nan


def _cells(row: Mapping[Any, Any], verdict: Verdict | None, control: str) -> dict[str, str]:
    lost = [f"{row['not_trained']} at chance"] if row["not_trained"] else []
    lost += [f"{row['diverged']} diverged"] if row["diverged"] else []
    seeds = row["seeds"], row["started"]
    return {
        "arm": row["arm"],
        "rate": "" if math.isnan(row["learning_rate"]) else f"{row['learning_rate']:g}",
        "seeds": f"{seeds[0]} of {seeds[1]}" if seeds[1] else str(seeds[0]),
        "median": row["reads"],
        "lost": ", ".join(lost),
        "difference": with_interval(verdict) if verdict is not None else "",
        "for": "" if math.isnan(row["for"]) else f"{row['for']:.0f}",
        "against": "" if math.isnan(row["against"]) else f"{row['against']:.0f}",
        "verdict": row["verdict"] or ("control" if row["arm"] == control else ""),
        "parameters": "" if math.isnan(row["parameters"]) else f"{row['parameters']:,.0f}",
        "seconds": duration(row["seconds"]),
    }


def value(own: Quantity, metric: Metric) -> str:
    """An arm's own median as text: "54.0", or "at least 3" where only a bound is known."""
    found = own.median
    if found is None:
        return ""
    return f"{own.centre:.1f}" if metric.is_accuracy and found.bounded else shown(own)


def capital(text: str) -> str:
    """The sentence with a capital letter."""
    return text[:1].upper() + text[1:]
