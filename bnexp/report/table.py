"""The results table: a row for each arm, with the numbers that a paper gives."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import pandas as pd

from bnexp.errors import UserError
from bnexp.report.arms import Arm, Arms, Source, find_arms
from bnexp.report.context import context
from bnexp.report.contrasts import control
from bnexp.report.labels import MINUS, number, plural
from bnexp.report.statistics import arm_accuracy, contrast

APART = (  # keys whose values never share a control
    "data.name", "data.shape", "data.image_size", "data.channels", "data.classes", "data.samples",
    "data.content", "data.train_size", "model.kind", "model.name", "optimizer.name",
)  # fmt: skip
HEADS = {
    "arm": "arm",
    "trained": "trained",
    "mean": "test accuracy, %",
    "median": "median",
    "untrained": "not trained",
    "difference": "difference, points",
    "seeds": "seeds",
    "parameters": "parameters",
    "seconds": "time",
}


class Shown(Protocol):
    """A table that can be written in every format: its numbers, and the same as text by head."""

    @property
    def frame(self) -> pd.DataFrame:
        """The numbers in full."""

    @property
    def cells(self) -> pd.DataFrame:
        """The same as text for people; the first column is `arm`."""

    @property
    def heads(self) -> Mapping[str, str]:
        """The head of each column of `cells`."""

    @property
    def caption(self) -> str:
        """What stands below it, or above."""


@dataclass(frozen=True)
class ResultsTable:
    """`frame` holds the numbers, accuracies as fractions; `cells` the same as text for people.

    Differences are from the arm `minus`, paired by seed: the mean with its 95% interval, and how
    many of the shared seeds have its sign. Means, medians and differences are over the trained
    runs; `untrained` counts the others at the accuracy that they really ended at.
    """

    frame: pd.DataFrame
    caption: str
    heads: Mapping[str, str] = field(default_factory=lambda: HEADS)

    @property
    def cells(self) -> pd.DataFrame:
        """A column for each head, without empty ones; labels of arms are never cut."""
        rows = [_cells(row) for row in self.frame.to_dict("records")]
        table = pd.DataFrame(rows, columns=list(HEADS))
        empty = [name for name in table if not table[name].astype(bool).any()]
        return table.drop(columns=empty)

    def _repr_html_(self) -> str:
        from bnexp.report.formats import html

        return html(self)

    def __str__(self) -> str:
        from bnexp.report.formats import text

        return text(self)


def results_table(
    source: Source,
    *,
    by: Sequence[str] | None = None,
    where: Sequence[str] = (),
    against: str | None = None,
) -> ResultsTable:
    """The table of some runs' arms; `source`, `by` and `where` as in `find_arms`.

    Differences are from the arm without a norm, else the first, or from the one whose label
    `against` is; never across datasets, kinds of nets, or optimizers.
    """
    arms = find_arms(source, by=by, where=where)
    if against is not None and against not in {arm.label for arm in arms}:
        known = ", ".join(arm.label for arm in arms)
        raise UserError(f"against={against}: no such arm; there are {known}")
    rows = [_row(arm, base) for group in _groups(arms) for arm, base in _based(group, against)]
    frame = pd.DataFrame(rows).sort_values("place", ignore_index=True).drop(columns="place")
    bases = sorted(set(frame["minus"]) - {""})
    against_words = f" Differences from {' and '.join(bases)}, paired by seed." if bases else ""
    caption = (
        f"Test accuracy by arm ({context(arms.runs.runs)}): mean over the trained runs with its "
        f"95% t interval, and median.{against_words} {' '.join(arms.notes)}"
    )
    return ResultsTable(frame, caption.strip())


def _groups(arms: Arms) -> Iterator[list[Arm]]:
    """Groups of arms that may be compared with each other."""
    keys = [key for key in APART if key in arms.keys]
    groups: dict[str, list[Arm]] = {}
    for arm in arms:
        groups.setdefault(repr([arm.values[key] for key in keys]), []).append(arm)
    yield from groups.values()


def _based(arms: list[Arm], against: str | None) -> Iterator[tuple[Arm, Arm | None]]:
    """Each arm with the arm it is compared with; None for that one itself."""
    named = [arm for arm in arms if arm.label == against]
    base = control(named or arms) if named or against is None else None
    for arm in arms:
        yield arm, None if arm is base else base


def _row(arm: Arm, base: Arm | None) -> dict[str, Any]:
    mean = arm_accuracy(arm.runs)
    own = arm.by_seed("test_accuracy")
    found = contrast(own, base.by_seed("test_accuracy") if base else own.iloc[:0])
    accuracy = pd.to_numeric(arm.runs["test_accuracy"], errors="coerce")
    untrained = accuracy[arm.runs["outcome"] == "not trained"]
    return {
        "place": arm.place,
        "arm": arm.label,
        "trained": arm.counts["n"],
        "started": len(arm.runs) + arm.unfinished,
        "absent": arm.absent,
        "mean": mean.centre,
        "low": mean.low,
        "high": mean.high,
        "median": accuracy[arm.runs["outcome"] == "trained"].median(),
        "untrained": len(untrained),
        "untrained_mean": untrained.mean(),
        "diverged": arm.counts["diverged"],
        "minus": base.label if base and found.n else "",
        "difference": found.mean,
        "difference_low": found.low,
        "difference_high": found.high,
        "seeds_for": found.k if found.n else np.nan,
        "seeds_shared": found.n if found.n else np.nan,
        "parameters": _median(arm.runs, "parameters"),
        "seconds": _median(arm.runs, "seconds_training"),
    }


def _median(runs: pd.DataFrame, column: str) -> float:
    return (
        float(pd.to_numeric(runs[column], errors="coerce").median()) if column in runs else np.nan
    )


def _cells(row: dict[Any, Any]) -> dict[str, str]:
    lost = []
    if row["untrained"]:
        lost.append(f"{row['untrained']} at {100 * row['untrained_mean']:.1f}%")
    if row["diverged"]:
        lost.append(f"{row['diverged']} diverged")
    return {
        "arm": row["arm"] + (f" ({plural(row['absent'], 'seed')} fewer)" if row["absent"] else ""),
        "trained": f"{row['trained']} of {row['started']}",
        "mean": interval(row["mean"], row["low"], row["high"]),
        "median": "" if np.isnan(row["median"]) else f"{100 * row['median']:.1f}",
        "untrained": ", ".join(lost),
        "difference": interval(
            row["difference"], row["difference_low"], row["difference_high"], "+"
        ),
        "seeds": f"{row['seeds_for']:.0f} of {row['seeds_shared']:.0f}" if row["minus"] else "",
        "parameters": "" if np.isnan(row["parameters"]) else f"{row['parameters']:,.0f}",
        "seconds": duration(row["seconds"]),
    }


def interval(centre: float, low: float, high: float, sign: str = "") -> str:
    """Accuracies in percent: "97.1 (96.5 to 97.7)"; nothing for NaN."""
    if np.isnan(centre):
        return ""
    words = [f"{round(100 * value, 1) + 0.0:{sign}.1f}" for value in (centre, low, high)]
    inside = "" if np.isnan(low) else f" ({words[1]} to {words[2]})"
    return f"{words[0]}{inside}".replace("-", MINUS)


def duration(seconds: float) -> str:
    """A time as people say it: "320 ms", "4.2 s", "3.5 min", "2.1 h"; nothing for NaN."""
    if np.isnan(seconds):
        return ""
    for size, unit in ((3600, "h"), (60, "min"), (1, "s")):
        if seconds >= size:
            return f"{number(seconds / size, 2)} {unit}"
    return f"{number(1000 * seconds, 2)} ms"


def compact(count: float) -> str:
    """A large number in three digits: "58.9k", "11.2M"."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count >= size:
            return f"{number(count / size)}{unit}"
    return number(count)
