"""Arms: runs that differ only in their seeds, found by themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

import pandas as pd

from bnexp.config import Config
from bnexp.errors import UserError
from bnexp.norms.catalogue import NORMS
from bnexp.report.context import net_name
from bnexp.report.labels import (
    canonical,
    differs,
    is_unset,
    label,
    label_keys,
    norm_name,
)
from bnexp.report.reading import read_records, usable
from bnexp.report.statistics import by_seed, seeds
from bnexp.report.style import Look, look, norm_order
from bnexp.runs.identity import excluded
from bnexp.runs.select import known, select
from bnexp.runs.tables import HIDDEN, Runs

SEEDS = ("seed", "data.split_seed")  # what runs of one arm may differ in


@dataclass(frozen=True)
class Arm:
    """One arm: its label and look, the same in every figure, and its runs, sorted by seed.

    `place` is its place in the figure, from 0. `unfinished` counts its runs that failed or are
    not done, `absent` the seeds that it lacks compared with the arm that has most.
    """

    label: str
    place: int
    values: dict[str, Any]
    look: Look
    runs: pd.DataFrame
    unfinished: int
    absent: int

    @property
    def missing(self) -> int:
        """Number of runs that it should have and that no figure can show."""
        return self.unfinished + self.absent

    @cached_property
    def trained(self) -> pd.DataFrame:
        """Runs that enter averages."""
        return self.runs[self.runs["outcome"] == "trained"]

    @cached_property
    def untrained(self) -> pd.DataFrame:
        """Runs that ended at chance level with a finite loss."""
        return self.runs[self.runs["outcome"] == "not trained"]

    @cached_property
    def diverged(self) -> pd.DataFrame:
        """Runs whose loss left all bounds."""
        return self.runs[self.runs["outcome"] == "diverged"]

    @cached_property
    def shown(self) -> pd.DataFrame:
        """Runs whose layers are drawn: the trained ones, or where there are none the others."""
        return next((rows for rows in (self.trained, self.untrained) if len(rows)), self.runs)

    @cached_property
    def counts(self) -> dict[str, int]:
        """Columns that every table has."""
        outcomes = Counter(self.runs["outcome"])
        return {
            "n": outcomes["trained"],
            "diverged": outcomes["diverged"],
            "not_trained": outcomes["not trained"],
            "missing": self.missing,
        }

    @property
    def counted(self) -> str:
        """The label with its counts: "n = 4", or "4 of 5 trained, 1 diverged, 2 missing"."""
        n, *others = self.counts.items()
        words = [f"{number} {name.replace('_', ' ')}" for name, number in others if number]
        trained = f"n = {n[1]}" if n[1] == len(self.runs) else f"{n[1]} of {len(self.runs)} trained"
        return f"{self.label} ({', '.join([trained, *words])})"

    def by_seed(self, result: str) -> pd.Series:
        """A result of the trained runs by seed, as `statistics.by_seed`; empty where runs that
        differ in more than the seed are pooled.
        """
        pooled = seeds(self.runs).has_duplicates
        return by_seed(self.runs.iloc[:0] if pooled else self.runs, result)

    def values_of(self, result: str) -> pd.Series:
        """A result of the trained runs, pooled ones included."""
        values = pd.to_numeric(self.trained.get(result, pd.Series(dtype=float)), errors="coerce")
        return values.dropna().astype(float)


@dataclass(frozen=True)
class Arms:
    """The arms of a set of runs, in the same order in every figure.

    `keys` tells arms apart; `notes` says, in sentences, what was chosen, held or pooled.
    """

    runs: Runs
    keys: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @cached_property
    def arms(self) -> list[Arm]:
        """The arms, by norm and then by the values of the other keys."""
        return _make(self.runs, self.keys)

    def __iter__(self) -> Iterator[Arm]:
        return iter(self.arms)

    def __len__(self) -> int:
        return len(self.arms)

    @cached_property
    def varying(self) -> tuple[str, ...]:
        """Every key, the seed apart, in which two of the runs differ."""
        return varying(self.runs.runs)

    def subset(self, rows: pd.DataFrame, *notes: str) -> Arms:
        """The arms of some of the runs."""
        differ = varying(rows)
        keys = tuple(key for key in self.keys if key in differ)
        return Arms(Runs(rows, self.runs.skipped), keys, self.notes + notes)

    def without(self, key: str) -> Arms:
        """The same runs, those together that differ in `key`."""
        return replace(self, keys=tuple(name for name in self.keys if name != key))


Source: TypeAlias = Arms | Runs | str | Path


def find_arms(
    source: Source, *, by: Sequence[str] | None = None, where: Sequence[str] = ()
) -> Arms:
    """Group runs into arms.

    `source` is a folder of records, what `load_runs` returned, or arms found before, which are
    returned as they are. `by` names the keys that tell arms apart, by default all that differ,
    the seed apart; runs that differ in other keys are then pooled, and a note says so. `where`
    are conditions as of `runs.select`. Raises UserError for unknown keys and where nothing
    is left.
    """
    if isinstance(source, Arms):
        return source
    return group(
        usable(source) if isinstance(source, Runs) else read_records(source), by=by, where=where
    )


def group(runs: Runs, *, by: Sequence[str] | None = None, where: Sequence[str] = ()) -> Arms:
    """As `find_arms`, for runs from `read_records`, which are known to be whole."""
    table = select(runs.runs, where) if len(runs.runs) else runs.runs
    if table.empty:
        raise UserError(_nothing(runs, where))
    runs = Runs(table.reset_index(drop=True), runs.skipped)
    differ = varying(runs.runs)
    if by is None:
        return Arms(runs, differ)
    return Arms(runs, tuple(known(key, runs.runs) for key in by))


def _nothing(runs: Runs, conditions: Sequence[str]) -> str:
    if len(runs.runs):
        return f"where {' '.join(conditions)}: none of {len(runs.runs)} runs meets this"
    left_out = f"; {len(runs.skipped)} folders were left out" if len(runs.skipped) else ""
    return f"no finished runs here{left_out}; `bnexp train` writes records to runs/"


def varying(table: pd.DataFrame) -> tuple[str, ...]:
    """Configuration keys, seeds apart, in which runs differ: the norm, model, data, the rest.

    Last come the keys in `HIDDEN`, if they tell apart runs that the others do not: hashes of the
    data, the source and the weights, and the corrections that the numbers have.
    """
    found = []
    for key in map(str, table):
        section = key.split(".")[0]
        known = section in Config.model_fields and key not in (*SEEDS, *HIDDEN)
        if known and not excluded(key) and differs(table[key]):
            found.append(key)
    sections = ("model", "data", "optimizer", "training")
    found.sort(
        key=lambda key: (
            key != "model.norm",
            sections.index(key.split(".")[0]) if key.split(".")[0] in sections else 9,
        )
    )
    for key in (name for name in HIDDEN if name in table and differs(table[name])):
        finer = len(set(group_names(table, (*found, key))))
        if finer > len(set(group_names(table, tuple(found)))):
            found.append(key)
    return tuple(found)


def _make(runs: Runs, keys: tuple[str, ...]) -> list[Arm]:
    groups = _groups(runs.runs.sort_values(["seed", "run"]), keys)
    lost = _groups(_absent(runs.skipped, keys), keys)
    none = runs.skipped.iloc[:0].reindex(columns=[*SEEDS])
    counts = {
        name: len({*seeds(rows), *seeds(lost.get(name, none))}) for name, rows in groups.items()
    }
    found = []
    for name, rows in groups.items():
        missing = len(lost.get(name, none)), max(counts.values()) - counts[name]
        rows = rows.reset_index(drop=True)
        values = {key: rows[key].iloc[0] for key in keys}
        found.append((_norm(rows), values, rows, missing))
    found.sort(key=lambda arm: (norm_order(arm[0]), [natural(value) for value in arm[1].values()]))
    labels = _labels([values for _, values, _, _ in found], [rows for _, _, rows, _ in found])
    norms = [norm for norm, _, _, _ in found]
    return [
        Arm(
            labels[i],
            i,
            values,
            look(norm, norms[:i].count(norm), norms.count(norm)),
            rows,
            *missing,
        )
        for i, (norm, values, rows, missing) in enumerate(found)
    ]


def _groups(table: pd.DataFrame, keys: tuple[str, ...]) -> dict[tuple[str, ...], pd.DataFrame]:
    positions: dict[tuple[str, ...], list[int]] = {}
    for position, name in enumerate(group_names(table, keys)):
        positions.setdefault(name, []).append(position)
    return {name: table.iloc[rows] for name, rows in positions.items()}


def group_names(table: pd.DataFrame, keys: tuple[str, ...]) -> list[tuple[str, ...]]:
    """The group of each row: the canonical values of `keys`."""
    if not keys:
        return [()] * len(table)
    return list(zip(*(_spelled(table[key]) for key in keys), strict=True))


def _spelled(column: pd.Series) -> list[str]:
    """The canonical spelling of every value, each different one spelled once."""
    if column.dtype == object:  # may hold lists, and True beside 1
        return list(map(canonical, column))
    codes, values = pd.factorize(column, use_na_sentinel=False)
    names = list(map(canonical, values))
    return [names[code] for code in codes]


def _absent(skipped: pd.DataFrame, keys: tuple[str, ...]) -> pd.DataFrame:
    """Runs that were left out but whose configuration is known."""
    if "run" not in skipped:
        return skipped.iloc[:0].reindex(columns=[*SEEDS, *keys])
    return skipped[skipped["run"].notna()].reindex(columns=[*SEEDS, *keys])


def _norm(rows: pd.DataFrame) -> str:
    norms = set(rows.get("model.norm", []))
    return str(norms.pop()) if len(norms) == 1 else "several"


def natural(value: Any) -> tuple[int, float, str]:
    """A sort key: empty values first, then numbers, then words."""
    if is_unset(value):
        return 0, 0.0, ""
    if isinstance(value, int | float):
        return 1, float(value), ""
    return 2, 0.0, canonical(value)


def _labels(values: list[dict[str, Any]], rows: list[pd.DataFrame]) -> list[str]:
    """Labels that tell the arms apart; by net and norm where it would take more than three keys."""
    nets = [_net(table) for table in rows]
    if not values[0]:
        return [norm_name(_norm(table)) if _norm(table) != "several" else "all" for table in rows]
    table = pd.DataFrame([{key: canonical(v) for key, v in arm.items()} for arm in values])
    defaults = [key for key in values[0] if all(_is_default(arm, key) for arm in values)]
    keys = label_keys(table.drop(columns=defaults))
    model = [key for key in keys if key.startswith("model.")]
    if len(model) > 2:
        combinations = table[model].agg("|".join, axis=1)
        one_to_one = pd.DataFrame({"net": nets, "model": combinations}).drop_duplicates()
        if one_to_one["net"].is_unique and one_to_one["model"].is_unique:
            rest = [label({k: arm[k] for k in keys if k not in model}) for arm in values]
            return [", ".join(filter(None, pair)) for pair in zip(nets, rest, strict=True)]
    return [
        label({key: arm[key] for key in keys}) or net for arm, net in zip(values, nets, strict=True)
    ]


def _net(rows: pd.DataFrame) -> str:
    first = {str(key): value for key, value in rows.iloc[0].items()}
    return f"{net_name(first)}, {norm_name(_norm(rows))}"


def _is_default(arm: dict[str, Any], key: str) -> bool:
    """Whether an option of the arm's norm has its default value."""
    options = NORMS[arm["model.norm"]].options() if arm.get("model.norm") in NORMS else None
    name = key.removeprefix("model.norm_options.")
    return name != key and (is_unset(arm[key]) or arm[key] == getattr(options, name, None))
