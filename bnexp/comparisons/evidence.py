"""Readings as files: `evidence.csv`, `choices.csv` and `runs.csv`, which can be published and grow.

Every verdict follows from the first two; the third says which runs they were read off.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from bnexp import __version__
from bnexp.comparisons.choices import Choices, Chosen
from bnexp.comparisons.finding import Quantity
from bnexp.comparisons.measure import Unit, times_by_run
from bnexp.comparisons.readings import SILENT, Reading
from bnexp.errors import UserError
from bnexp.report.labels import differs
from bnexp.runs.files import write_text
from bnexp.runs.identity import excluded
from bnexp.runs.show import with_formulas, without_formulas
from bnexp.runs.tables import Runs

if TYPE_CHECKING:
    from bnexp.comparisons.course import Course

EVIDENCE = (
    "comparison", "edition", "data", "preset", "overrides", "quantity", "kind", "unit", "timed",
    "seed", "low", "high", "version", "machine",
)  # fmt: skip
CHOICES = (
    "comparison", "edition", "kind", "name", "where", "key", "value", "score", "low", "high",
    "pilots",
)  # fmt: skip
UNITS: tuple[Unit, ...] = ("epoch", "step")
RESULTS = (
    "val_accuracy", "test_accuracy", "best_val_accuracy", "best_epoch", "epochs", "steps",
    "seconds_training", "seconds_total",
)  # fmt: skip


@dataclass(frozen=True)
class Published:
    """What is published of one comparison: its seeds in order, their readings, the choices."""

    edition: str = ""
    data: str = ""
    preset: str = ""
    typed: tuple[str, ...] = ()
    seeds: list[int] = field(default_factory=list)
    quantities: dict[str, Quantity] = field(default_factory=dict)
    choices: Choices | None = None
    origin: Mapping[int, tuple[str, str]] = field(default_factory=dict)  # version, machine by seed

    def merged(
        self, new: Mapping[str, Quantity], seeds: Iterable[int], machine: str = ""
    ) -> dict[str, Quantity]:
        """Published readings with those of further seeds; the first reading of a seed stands.

        Times by the clock are never pooled over machines: a further seed that ran on another
        machine than the published ones has no reading of them.
        """
        seeds = set(seeds) - set(self.seeds)
        found = dict(self.quantities)
        for name, quantity in new.items():
            if quantity.kind == "fact":
                found.setdefault(name, quantity)
                continue
            elsewhere = {theirs for _, theirs in self.origin.values()} - {machine}
            own = {seed: r for seed, r in quantity.readings.items() if seed in seeds}
            if quantity.timed and elsewhere:
                own = {}
            before = found[name].readings if name in found else {}
            found[name] = Quantity({**before, **own}, quantity.kind, quantity.unit, quantity.timed)
        return found


def machine_of(runs: Runs | None) -> str:
    """The kind of device that runs were on; if there were several, all of them."""
    if runs is None or "provenance.device_name" not in runs.runs:
        return ""
    return ", ".join(sorted(set(map(str, runs.runs["provenance.device_name"].dropna()))))


def write(courses: Sequence["Course"], out: Path) -> None:
    """Write the three files of a ledger."""
    evidence = [row for one in courses for row in _readings(one, __version__)]
    choices = [row for one in courses for row in _choices(one)]
    _write(out / "evidence.csv", pd.DataFrame(evidence, columns=list(EVIDENCE)))
    _write(out / "choices.csv", pd.DataFrame(choices, columns=list(CHOICES)))
    _write(out / "runs.csv", course_runs(courses))


def _write(path: Path, table: pd.DataFrame) -> None:
    text = without_formulas(table).to_csv(index=False, lineterminator="\n")
    write_text(path, text)


def _readings(course: "Course", version: str) -> Iterable[dict[str, Any]]:
    """A row for each quantity and counted seed; a silent seed has the reading -inf to inf."""
    head = {
        "comparison": course.comparison.id, "edition": course.edition,
        "data": course.setting.data, "preset": course.setting.preset,
        "overrides": " ".join(course.setting.shown),
    }  # fmt: skip
    here = (version, machine_of(course.judged))
    for name, quantity in course.quantities.items():
        about = {
            "quantity": name, "kind": quantity.kind, "unit": quantity.unit,
            "timed": int(quantity.timed),
        }  # fmt: skip
        seeds = [0] if quantity.kind == "fact" else course.counted
        for seed in seeds:
            reading = quantity.readings.get(seed, SILENT)
            origin = course.published.origin.get(seed, here)
            ends = {"seed": seed, "low": reading.low, "high": reading.high}
            yield head | about | ends | dict(zip(("version", "machine"), origin, strict=True))


def _choices(course: "Course") -> Iterable[dict[str, Any]]:
    if course.choices is None:
        return
    for one in course.choices.entries:
        yield {
            "comparison": course.comparison.id, "edition": course.edition, "kind": one.kind,
            "name": one.name, "where": json.dumps(dict(one.where), sort_keys=True), "key": one.key,
            "value": json.dumps(one.value, sort_keys=True), "score": one.score,
            "low": one.low, "high": one.high, "pilots": " ".join(map(str, course.pilots)),
        }  # fmt: skip


def course_runs(courses: Sequence["Course"]) -> pd.DataFrame:
    """A row for each run: what told it from others, how it ended, when it came to the target."""
    rows: dict[str, dict[str, Any]] = {}
    for course in courses:
        for role, runs in (("pilot", course.piloted), ("judged", course.judged)):
            if runs is None or "training.epochs" not in runs.runs:
                continue
            done = runs.runs[runs.runs["run"].notna() & runs.runs["training.epochs"].notna()]
            when = {
                f"{unit}s_to_target": times_by_run(runs, done, course.goal, unit) for unit in UNITS
            }
            for row in done.to_dict("records"):
                new = {"comparisons": "", "role": role, "target": course.goal}
                new |= {name: times[row["run"]].high for name, times in when.items()}
                mine = rows.setdefault(row["run"], new | {str(key): row[key] for key in row})
                mine["comparisons"] = f"{mine['comparisons']} {course.comparison.id}".strip()
    return _told_apart(pd.DataFrame(list(rows.values())))


def _told_apart(table: pd.DataFrame) -> pd.DataFrame:
    head = ["run", "comparisons", "role", "seed", "preset", "outcome"]
    times = ["target", "epochs_to_target", "steps_to_target"]
    if table.empty:
        return pd.DataFrame(columns=[*head, *times])
    keys = [
        key
        for key in table.columns
        if ("." in key or key in ("precision", "device", "exclusive"))
        and not key.startswith("provenance.")
        and key not in ("data.split_seed",)
        and not excluded(key)
        and differs(table[key])
    ]
    results = [name for name in RESULTS if name in table]
    shown = table[[*head, *sorted(keys), *results, *times]].copy()
    return shown.replace(math.inf, "never").sort_values(["comparisons", "role", "run"])


def read(folder: Path) -> dict[str, Published]:
    """What is published in a folder, by comparison. Raises UserError."""
    files = [folder / name for name in ("evidence.csv", "choices.csv")]
    for file in files:
        if not file.is_file():
            raise UserError(f"{folder}: holds no {file.name}, as `bnexp reproduce` writes it")
    try:
        readings, choices = (
            with_formulas(pd.read_csv(file, dtype=str, keep_default_na=False)) for file in files
        )
        return {
            str(name): _published(rows, choices[choices["comparison"] == name])
            for name, rows in readings.groupby("comparison", sort=False)
        }
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{folder}: evidence.csv or choices.csv is damaged: {error}") from error


def _published(rows: pd.DataFrame, choices: pd.DataFrame) -> Published:
    quantities = {}
    for name, mine in rows.groupby("quantity", sort=False):
        first = mine.iloc[0]
        readings = {
            int(seed): Reading(float(low), float(high))
            for seed, low, high in zip(mine["seed"], mine["low"], mine["high"], strict=True)
            if (float(low), float(high)) != (SILENT.low, SILENT.high)
        }
        quantities[str(name)] = Quantity(
            readings, first["kind"], str(first["unit"]), bool(int(first["timed"]))
        )
    counted = rows[rows["kind"] != "fact"]
    seeds = sorted({int(seed) for seed in counted["seed"]})
    entries = tuple(_chosen(row) for row in choices.to_dict("records"))
    origin = {
        int(seed): (str(version), str(machine))
        for seed, version, machine in zip(
            counted["seed"], counted["version"], counted["machine"], strict=True
        )
    }
    head = rows.iloc[0]
    return Published(
        str(head["edition"]), str(head["data"]), str(head["preset"]),
        tuple(str(head["overrides"]).split()), seeds, quantities, Choices(entries), origin,
    )  # fmt: skip


def _chosen(row: Mapping[Any, Any]) -> Chosen:
    numbers = {
        key: float(row[key]) if row[key] != "" else math.nan for key in ("score", "low", "high")
    }
    return Chosen(
        row["kind"], row["name"], json.loads(row["where"]), row["key"], json.loads(row["value"]),
        **numbers,
    )  # fmt: skip


def of_editions(
    published: Mapping[str, Published], editions: Mapping[str, str]
) -> tuple[dict[str, Published], list[str]]:
    """The evidence of the given editions, and a line for each comparison of another edition."""
    from bnexp.comparisons.edition import told_apart

    kept, told = {}, []
    for name, mine in editions.items():
        if name not in published:
            continue
        if why := told_apart(mine, published[name].edition):
            told.append(f"{name}: published evidence is not gone on with: {why}")
        else:
            kept[name] = published[name]
    return kept, told
