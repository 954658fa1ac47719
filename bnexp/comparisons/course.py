"""The course of one comparison: pilots choose, judged seeds run, seeds are counted.

A course is asked again and again which runs are due. What it asks for follows from the runs that
have ended and nothing else, so that an interrupted ledger goes on where it was.
"""

import importlib
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from bnexp.comparisons import edition
from bnexp.comparisons.choices import Choices, Chosen
from bnexp.comparisons.config import Comparison, Search
from bnexp.comparisons.counting import prefix
from bnexp.comparisons.evidence import Published, machine_of
from bnexp.comparisons.finding import Finding, Quantity
from bnexp.comparisons.judging import verdicts_of
from bnexp.comparisons.measure import passes, values_of
from bnexp.comparisons.measurements import MeasurementRun
from bnexp.comparisons.pilots import Missing, settle
from bnexp.comparisons.planner import Planner
from bnexp.comparisons.records import Records
from bnexp.comparisons.search import bisect
from bnexp.comparisons.setting import Cell, Setting
from bnexp.comparisons.verdict import Verdict, scaled
from bnexp.comparisons.words import of_these_images
from bnexp.comparisons.working import Working
from bnexp.errors import UserError
from bnexp.report.labels import canonical
from bnexp.runs.tables import Runs
from bnexp.sweep import Job

WIDER = 6  # values that one grid is widened by, at most

Judge = Callable[..., Finding | Working]


@dataclass
class Course:
    """One comparison on its way."""

    comparison: Comparison
    setting: Setting
    planner: Planner
    published: Published = field(default_factory=Published)
    choices: Choices | None = None
    count: int = 0  # judged seeds asked for
    counted: list[int] = field(default_factory=list)
    found: Finding | Working | None = None
    quantities: dict[str, Quantity] = field(default_factory=dict)
    verdicts: tuple[Verdict, ...] = ()
    judged: Runs | None = None
    piloted: Runs | None = None
    problem: str = ""
    over: bool = False
    asked: set[str] = field(default_factory=set)
    widened: Counter[str] = field(default_factory=Counter)  # how often each grid was

    def __post_init__(self) -> None:
        one, setting = self.comparison, self.setting
        self.sweep = setting.cells(one, one.sweep)
        self.fixed = setting.cells(one, one.fixed)
        self.planner.plan([*self.sweep, *self.fixed], one.may_refuse)
        cells = [*self.sweep, *self.fixed]
        if cells and not any(cell in self.planner.known for cell in cells):
            why = self.planner.refused[cells[0]]["reason"]
            raise UserError(f"none of its {len(cells)} arms is possible here: {why}")
        self._see_that_rules_select(cells)
        self.edition = setting.edition_of(one)
        self.pilots = edition.pilot_seeds(setting.pilots(one))
        self.count = max(setting.first(one), len(self.published.seeds))
        self.closed: set[str] = set()
        if self.published.seeds:
            self.counted, self.quantities = self.published.seeds, dict(self.published.quantities)
            self.choices = self.published.choices
        elif not one.has_pilots:
            self.choices = Choices()

    def _see_that_rules_select(self, cells: Sequence[Cell]) -> None:
        one = self.comparison
        wheres = [(f"choose {rule.name}", {**rule.where, **rule.of}) for rule in one.choose]
        wheres += [(f"search {search.name}", search.where) for search in one.search]
        wheres += [(f"target {target.name}", target.where) for target in one.target]
        for rule, where in wheres:
            if not any(self._is(cell, where) for cell in cells):
                said = ", ".join(f"{key}={canonical(value)}" for key, value in where.items())
                raise UserError(f"{rule}: none of its {len(cells)} arms has {said}")

    @property
    def goal(self) -> float:
        """The validation accuracy to be reached: chosen by pilots, or the dataset's."""
        found = self.choices.of_kind("target") if self.choices is not None else []
        return float(found[0].value if found else self.setting.dataset["target"])

    # ----------------------------------------------------------------------------- what is due

    def due(self, records: Records, may_grow: bool = True) -> list[Job]:
        """The runs that are to be trained next; none where the course is over.

        `may_grow` says whether further judged seeds may be asked for.
        """
        while not self.over:
            jobs = self._jobs(records)
            left = [job for job in records.missing(jobs) if job.plan.identity not in self.asked]
            if left:
                self.asked |= {job.plan.identity for job in left}
                return left
            if self.choices is None:
                if records.missing(jobs):
                    self._end("its pilots have not ended")
                else:
                    self._settle(records)
                continue
            self._judge(records)
            more = self._more() if may_grow and not records.missing(jobs) else None
            if more is None:
                self.over = True
            else:
                self.count = more
        return []

    def _jobs(self, records: Records) -> list[Job]:
        if self.choices is None:
            return self.planner.jobs([*self.sweep, *self._fixed_for_pilots()], self.pilots)
        return [job for seed in self._seeds() for job in self._jobs_of(seed, records)]

    def _jobs_of(self, seed: int, records: Records) -> list[Job]:
        """All runs of a judged seed, those of its searches as far as they are known."""
        cells = list(dict.fromkeys(self._judged_cells() + self._searched_cells(seed, records)))
        jobs = self.planner.jobs(cells, [seed])
        random.Random(seed).shuffle(jobs)  # the seed draws the order in which arms are timed
        return jobs

    def _seeds(self) -> list[int]:
        """The judged seeds asked for, without the published ones."""
        known = set(self.published.seeds)
        seeds = self.setting.judged(self.comparison, self.count)
        return [seed for seed in seeds if seed not in known]

    def _more(self) -> int | None:
        """The next number of judged seeds that could decide more; None where no more will run."""
        most = self.setting.most(self.comparison)
        if self.count >= most or self.problem:
            return None
        hopeful = [v.lines for v in self.verdicts if v.counts and not v.decided and v.lines]
        looks = [lines.next_look(most, self.comparison.family) for lines in hopeful]
        return min((max(look, self.count + 1) for look in looks if look is not None), default=None)

    # ----------------------------------------------------------------------------------- cells

    def _fixed_for_pilots(self) -> list[Cell]:
        wheres = [target.where for target in self.comparison.target]
        return [
            cell
            for cell in self.fixed
            if cell.at is None and any(self._is(cell, where) for where in wheres)
        ]

    def _judged_cells(self) -> list[Cell]:
        """What judged seeds run besides searches: fixed cells, and arms at their chosen values."""
        assert self.choices is not None
        found = []
        for cell in self.fixed:
            if cell.at is None:
                found.append(cell)
                continue
            found += [
                cell.with_value(one.key, one.value)
                for one in self.choices.of_kind("choice", cell.at)
                if self._is(cell, one.where)
            ]
        for rule in self.comparison.choose:
            for one in self.choices.of_kind("choice", rule.name):
                found += self._with_value({**rule.where, **one.where}, one.key, one.value)
        return self._planned(found)

    def _with_value(self, where: Mapping[str, Any], key: str, value: Any) -> list[Cell]:
        """The arms of the sweep that match, at a value of one key."""
        return list(
            dict.fromkeys(
                cell.with_value(key, value) for cell in self.sweep if self._is(cell, where)
            )
        )

    def _planned(self, cells: Sequence[Cell]) -> list[Cell]:
        self.planner.plan(cells, self.comparison.may_refuse)
        return list(dict.fromkeys(cells))

    def _is(self, cell: Cell, where: Mapping[str, Any]) -> bool:
        return Chosen("choice", "", where).is_for(self.planner.keys(cell))

    def _searched_cells(self, seed: int, records: Records) -> list[Cell]:
        """The runs that a seed's searches have come to, the next ones last."""
        assert self.choices is not None
        found: list[Cell] = []
        for search in self.comparison.search:
            for arm in self.choices.of_kind("bracket", search.name):
                found += self._steps(search, arm, seed, records)
        return found

    def _steps(self, search: Search, arm: Chosen, seed: int, records: Records) -> list[Cell]:
        assert self.choices is not None
        values = values_of(arm)
        than = self.choices.only("choice", search.than, **arm.where)
        cells: list[Cell] = []

        def at(value: float) -> Cell:
            where = {**search.where, **arm.where}
            if than.key != search.key:
                where[than.key] = than.value
            number = int(value) if arm.value["whole"] else value
            [cell] = self._planned(self._with_value(where, search.key, number))
            return cell

        def passed(value: float) -> bool | None:
            cells.append(at(value))
            row = records.rows.get(self.planner.job(cells[-1], seed).plan.identity)
            return passes(row, arm.score) if row is not None else None

        bisect(values, passed, arm.value["end"])
        return cells

    def look(self, records: Records) -> None:
        """Read what has ended so far, in the middle of a round; what is due does not change."""
        if self.choices is None or self.over:
            return
        first = self._seeds()[:1]
        if not any(records.missing(self._jobs_of(seed, records)) for seed in first):
            self._judge(records)

    # ------------------------------------------------------------------------- pilots and judge

    def _settle(self, records: Records) -> None:
        """Let the pilots choose, or widen the grids that are too narrow."""
        sweep, fixed = (
            self._table(cells, self.pilots, records)
            for cells in (self.sweep, self._fixed_for_pilots())
        )
        try:
            choices = settle(
                self.comparison, sweep, fixed, self.setting.dataset["target"], self.closed
            )
        except Missing as missing:
            for one in missing.wider:
                self._widen(one.where, one.key, one.value, one.grid)
            return
        except Exception as error:
            self._end(error_line(error))
            return
        self.piloted = self._table([*self.sweep, *self._fixed_for_pilots()], self.pilots, records)
        self.choices = Choices((*choices.entries, *self._spreads(choices, records)))

    def _widen(self, where: Mapping[str, Any], key: str, value: float, name: str) -> None:
        new = [cell for cell in self._with_value(where, key, value) if cell not in self.sweep]
        self.widened[name] += 1
        if self.widened[name] >= WIDER or not new:
            self.closed.add(name)
        try:
            self.sweep += self._planned(new)
        except UserError:  # no run can have that value: the grid ends here
            self.closed.add(name)

    def _spreads(self, choices: Choices, records: Records) -> list[Chosen]:
        """What the judge reads off the pilots' runs at the chosen cells: only the power uses it."""
        self.choices = choices
        try:
            cells = [cell for cell in self._judged_cells() if self._piloted(cell, records)]
            found = self._measured(self._table(cells, self.pilots, records), choices)
        except Exception:  # a judge that needs what pilots do not run has no spread
            return []
        finally:
            self.choices = None
        assert isinstance(found, Finding)
        return [
            Chosen("spread", name, value=round(q.spread, 6), score=scaled(q.centre, q.kind))
            for name, q in found.quantities.items()
            if q.kind != "fact" and q.spread == q.spread
        ]

    def _piloted(self, cell: Cell, records: Records) -> bool:
        jobs = self.planner.jobs([cell], self.pilots)
        return not records.missing(jobs)

    def _table(self, cells: Sequence[Cell], seeds: Sequence[int], records: Records) -> Runs:
        jobs = self.planner.jobs(cells, seeds)
        refused = self.planner.rows(cells, seeds)
        return records.table((job.plan.identity for job in jobs), refused)

    def _judge(self, records: Records) -> None:
        """Read the seeds that count, and hold them against the assertions."""
        jobs = {seed: self._jobs_of(seed, records) for seed in self._seeds()}
        ended = {seed for seed, mine in jobs.items() if not records.missing(mine)}
        everyone = self.setting.judged(self.comparison, self.count)
        counted = prefix(everyone, ended | set(self.published.seeds))
        if counted == self.counted and self.found is not None:
            return
        self.counted = counted
        new = [seed for seed in counted if seed in jobs]
        measurements = [
            MeasurementRun(one.name, seed, self.setting.options_of(one))
            for one in self.comparison.measurements
            for seed in new
        ]
        try:
            records.measure(measurements)
            self.judged = records.table(
                [
                    *(job.plan.identity for seed in new for job in jobs[seed]),
                    *(one.identity for one in measurements),
                ],
                self.planner.rows(self._judged_cells(), new),
            )
            if self.comparison.kind == "arithmetic":
                inputs = self.comparison.inputs
                self.found = judge_of(self.comparison)(inputs, self.judged)
                return
            if len(self.judged.runs):
                assert self.choices is not None
                self.found = self._measured(self.judged, self.choices)
                self._say_of_which_images(self.judged.runs)
            elif not self.published.seeds:
                self.problem = "no run of it is done"
        except Exception as error:
            self.problem = error_line(error)
        if isinstance(self.found, Finding):
            machine = machine_of(self.judged)
            self.quantities = self.published.merged(self.found.quantities, new, machine)
        self.verdicts = verdicts_of(
            self.comparison, self.quantities, self.counted, self.choices or Choices()
        )

    def _measured(self, runs: Runs, choices: Choices) -> Finding | Working:
        return judge_of(self.comparison)(runs, choices, **self.comparison.options)

    def _say_of_which_images(self, rows: pd.DataFrame) -> None:
        """Note, beside differences of accuracies, how much the choice of test images matters."""
        found = self.found
        if not isinstance(found, Finding) or "test_accuracy" not in rows:
            return
        images = {job.plan.facts.test for job in self.planner.jobs(self._judged_cells(), [0])}
        if len(images) == 1 and any(q.unit == "points" for q in found.quantities.values()):
            accuracy = pd.to_numeric(rows["test_accuracy"], errors="coerce").median()
            note = of_these_images(float(accuracy), images.pop())
            self.found = replace(found, notes=(*found.notes, *filter(None, [note])))

    def _end(self, problem: str) -> None:
        self.problem, self.over = problem, True


def judge_of(comparison: Comparison) -> Judge:
    """The comparison's judge: the function that its YAML names."""
    home = importlib.import_module(edition.judge_module(comparison.judge))
    found: Judge = getattr(home, comparison.judge.rpartition(".")[2])
    return found


def error_line(error: Exception) -> str:
    """An exception of a judge, or of a choice by pilots, as one line with its place."""
    import traceback
    from pathlib import Path

    where = traceback.extract_tb(error.__traceback__)[-1]
    text = f"{type(error).__name__}: {error} ({Path(where.filename).name}:{where.lineno})"
    return " ".join(text.split())
