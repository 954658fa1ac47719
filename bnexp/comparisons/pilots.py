"""How pilots choose: by validation data of pilot seeds, and nothing else.

The functions here are given no runs but the pilots'.
"""

import json
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bnexp.comparisons.choices import Choices, Chosen
from bnexp.comparisons.config import Ceiling, Choose, Comparison, Search, Target
from bnexp.comparisons.measure import by_group, cell, times_by_run
from bnexp.report.labels import canonical
from bnexp.report.statistics import ended_at, level_around
from bnexp.runs.tables import Runs

REFINED = 2.0  # a grid is fine where neighbours are no further apart than by this factor


@dataclass(frozen=True)
class Wider:
    """A value that an arm's grid lacks: its best value, or the last that trains, is at an edge."""

    where: dict[str, Any]
    key: str
    value: float

    @property
    def grid(self) -> str:
        """A name for the grid that is too narrow."""
        return canonical([self.where, self.key])


class Missing(Exception):
    """Choices wait for pilots of these values."""

    def __init__(self, wider: Sequence[Wider]) -> None:
        super().__init__(f"{len(wider)} values beyond the grids")
        self.wider = list(wider)


def settle(
    comparison: Comparison,
    sweep: Runs,
    fixed: Runs,
    most: float,
    closed: Collection[str] = (),
) -> Choices:
    """All choices of a comparison.

    `sweep` and `fixed` are the pilots' runs of either kind of grid, `most` the dataset's target.
    Raises Missing for the values that a grid still lacks, unless it is one of those `closed`.
    """
    found: list[Chosen] = []
    rules = comparison.choose
    for rule in rules:
        if rule.by == "accuracy":
            found += choose(rule, sweep, None, closed)
    known = Choices(tuple(found))
    arms = {"fixed": fixed.runs} | {rule.name: at(known, rule, sweep.runs) for rule in rules}
    for target in comparison.target:
        parts = [rows for name, rows in arms.items() if name in (target.at or arms)]
        goal = level(target, pd.concat(parts).drop_duplicates("run"), [sweep, fixed], most)
        found.append(Chosen("target", target.name, value=goal))
    known = Choices(tuple(found))
    for rule in rules:
        if rule.by == "speed":
            found += choose(rule, sweep, known.target(rule.to), closed)
    for search in comparison.search:
        found += brackets(search, sweep.runs, Choices(tuple(found)), closed)
    for one in comparison.ceilings:
        [rule] = [rule for rule in rules if rule.name == one.at]
        found.append(ceiling(one, at(Choices(tuple(found)), rule, sweep.runs)))
    return Choices(tuple(found))


def choose(
    rule: Choose, runs: Runs, target: float | None = None, closed: Collection[str] = ()
) -> list[Chosen]:
    """For each arm the middle of the plateau that holds its best value.

    Neighbours whose mean score over pilots is within one standard error of the best's are one
    plateau. A run that diverged scores below all others. Raises Missing where the best is at an
    edge of its grid, or the rule refines it and the neighbours of the best are far.
    """
    rows = cell(runs.runs, **rule.where, **rule.of)
    rows = rows[rows["outcome"] != "refused"]
    score, accuracy = _scores(rule, runs, rows, target), ended_at(rows)
    found, wider = [], []
    for where, arm in by_group(rows, rule.per):
        values = arm[rule.key].map(canonical)
        table = score[arm.index].groupby(values).agg(["mean", "std", "count"])
        names = sorted(table.index, key=json.loads)
        means = table["mean"][names].fillna(-math.inf).to_list()
        if rule.by == "speed" and max(means) == -math.inf:  # the target is out of its reach
            means = list(accuracy[arm.index].groupby(values).mean()[names])
        best = int(np.argmax(means))
        ladder = [json.loads(name) for name in names]
        edge = beyond(ladder, best)
        lacks = [edge] if edge is not None else middles(ladder, best) if rule.refine else []
        cells = {**rule.where, **rule.of, **where}
        found_wider = [Wider(cells, rule.key, value) for value in lacks]
        wider += [one for one in found_wider if one.grid not in closed]
        error = table["std"][names[best]] / math.sqrt(table["count"][names[best]])
        within = 0.0 if math.isnan(error) else float(error)
        middle = names[sum(level_around(means, best, within)) // 2]
        at_it = float(accuracy[arm.index][values == middle].mean())
        found.append(
            Chosen("choice", rule.name, where, rule.key, json.loads(middle), round(at_it, 6))
        )
    if wider:
        raise Missing(wider)
    return found


def beyond(ladder: Sequence[Any], at: int) -> float | None:
    """The next value beyond a ladder of positive numbers, by its own factor, if `at` is an end."""
    numbers = all(isinstance(x, int | float) and not isinstance(x, bool) for x in ladder)
    if len(ladder) < 2 or not numbers or min(ladder) <= 0 or 0 < at < len(ladder) - 1:
        return None
    edge, inner = (ladder[0], ladder[1]) if at == 0 else (ladder[-1], ladder[-2])
    value = float(f"{edge * edge / inner:.2g}")
    if all(isinstance(x, int) for x in ladder):
        value = round(value)
        return value if value >= 1 and value not in ladder else None
    return value


def middles(ladder: Sequence[Any], at: int) -> list[float]:
    """The geometric middles between a value and those neighbours that are a factor above 2 away."""
    near = [ladder[i] for i in (at - 1, at + 1) if 0 <= i < len(ladder)]
    here = ladder[at]
    return [
        float(f"{math.sqrt(here * other):.2g}")
        for other in near
        if min(here, other) > 0 and max(here, other) > REFINED * min(here, other)
    ]


def _scores(rule: Choose, runs: Runs, rows: pd.DataFrame, target: float | None) -> pd.Series:
    """The higher the better, by row: validation accuracy, or minus the log of the time."""
    if rule.by == "accuracy":
        return ended_at(rows)
    assert target is not None
    times = times_by_run(runs, rows, target)
    # what is reached at the first evaluation is as fast as can be told
    return rows["run"].map(lambda run: -math.log(max(times[run].high, 1e-3)))


def at(choices: Choices, rule: Choose, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows at the values that a rule chose, each arm's at its own."""
    rows = cell(rows, **rule.where)
    parts = [
        cell(rows, **one.where, **{one.key: one.value})
        for one in choices.of_kind("choice", rule.name)
    ]
    return pd.concat([rows.iloc[:0], *parts])


def level(rule: Target, arms: pd.DataFrame, every: Sequence[Runs], most: float) -> float:
    """The highest of the rule's levels that every pilot of every arm came to.

    Arms that stay below `least` times `most` are not waited for.
    """
    most = rule.most or most
    rows = cell(arms, **rule.where)
    curves = pd.concat([runs.epochs for runs in every])
    reached = curves[curves["run"].isin(rows["run"])].groupby("run")["val_accuracy"].max()
    waited = reached[reached >= rule.least * most]
    levels = [round(most - i * rule.step, 6) for i in range(int(most / rule.step) + 1)]
    return next((one for one in levels if (waited >= one - 1e-9).all()), most)


def brackets(
    search: Search, rows: pd.DataFrame, choices: Choices, closed: Collection[str] = ()
) -> list[Chosen]:
    """For each arm the same bracket of a search: the hull of those of all arms and pilots.

    Raises Missing where nothing fails at the end of an arm's grid.
    """
    found, wider = [], []
    for where, group in by_group(cell(rows, **search.where), search.per):
        ends: list[tuple[float, float]] = []
        arms = []
        for own, arm in by_group(group, search.arms):
            keys = {**where, **own}
            best = choices.only("choice", search.than, **keys)
            threshold = best.score - search.points / 100
            arms.append((keys, threshold))
            if best.key != search.key:
                arm = cell(arm, **{best.key: best.value})
            for _, pilot in arm.groupby("seed"):
                low, high, missing = _end_of(pilot, search, threshold)
                ends.append((low, high))
                if missing is not None:
                    one = Wider({**search.where, **keys}, search.key, missing)
                    if one.grid not in closed and one not in wider:
                        wider.append(one)
        whole = bool((group[search.key].map(lambda x: float(x).is_integer())).all())
        hull = min(a for a, _ in ends), max(b for _, b in ends)
        how: dict[str, Any] = {"until": search.until, "end": search.end, "whole": whole}
        how |= {"lattice": search.lattice} if search.lattice else {}
        found += [
            Chosen("bracket", search.name, keys, search.key, how, score, *hull)
            for keys, score in arms
        ]
    if wider:
        raise Missing(wider)
    return found


def _end_of(pilot: pd.DataFrame, search: Search, score: float) -> tuple[float, float, float | None]:
    """The neighbours on one pilot's grid between which passing ends, and what the grid lacks.

    The search starts at the pilot's best value, so failures on the other side do not matter.
    """
    accuracy = ended_at(pilot).set_axis(pilot[search.key].astype(float)).sort_index()
    ladder, passes = list(accuracy.index), list(accuracy >= score)
    best, step = int(np.argmax(accuracy)), 1 if search.end == "largest" else -1
    at = best
    while 0 <= at + step < len(ladder) and passes[at + step]:
        at += step
    if 0 <= at + step < len(ladder):
        return min(ladder[at], ladder[at + step]), max(ladder[at], ladder[at + step]), None
    return ladder[at], ladder[at], beyond(ladder, at)


def ceiling(rule: Ceiling, rows: pd.DataFrame) -> Chosen:
    """Whether the pilots' median at the chosen cells is beyond the ceiling."""
    values = pd.to_numeric(cell(rows, **rule.where)[rule.of], errors="coerce").dropna()
    middle = float(values.median()) if len(values) else math.nan
    beyond = middle > rule.above if rule.above is not None else middle < (rule.below or 0.0)
    return Chosen("ceiling", rule.name, value=bool(beyond), score=middle)
