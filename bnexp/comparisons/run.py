"""From chosen comparisons to what was measured: plan all, train what is due, judge each."""

import importlib
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd

from bnexp.comparisons.config import Comparison, load, names
from bnexp.comparisons.finding import Finding, Quantity
from bnexp.comparisons.measurements import MeasurementRun
from bnexp.comparisons.setting import Setting
from bnexp.comparisons.verdict import Verdict, Word, corrected, judge, raw_p
from bnexp.comparisons.working import Step, Working, step_verdict
from bnexp.compose import Composer
from bnexp.errors import UserError
from bnexp.runs.identity import flatten
from bnexp.runs.tables import Runs, load_runs
from bnexp.sweep import Job, Result, plan_jobs


@dataclass(frozen=True)
class Due:
    """A comparison's runs before they are trained, and its cells that cannot run."""

    comparison: Comparison
    jobs: tuple[Job, ...]
    measurements: tuple[MeasurementRun, ...]
    refused: pd.DataFrame


@dataclass(frozen=True)
class Entry:
    """One row of the ledger: what was found, and the verdicts.

    `found` is None where nothing was measured; `problem` then says why. `words` are the verdicts
    of an arithmetic row's steps.
    """

    comparison: Comparison
    found: Finding | Working | None = None
    verdicts: tuple[Verdict, ...] = ()
    words: tuple[Word, ...] = ()
    runs: Runs | None = None
    problem: str = ""

    @property
    def printed(self) -> list[tuple[Step, Word]]:
        """The steps of an arithmetic row for which the source prints a number, each judged."""
        steps = self.found.steps if isinstance(self.found, Working) else ()
        return [pair for pair in zip(steps, self.words, strict=True) if pair[0].printed is not None]

    @property
    def all_words(self) -> tuple[Word, ...]:
        """Every verdict of the row."""
        if self.found is None:
            return ("not measured",)
        return (*self.words, *(verdict.word for verdict in self.verdicts))


@dataclass
class Plans:
    """Plans every comparison; what differs in nothing but the seed is composed and checked once."""

    setting: Setting
    composer: Composer = field(default_factory=Composer)
    known: dict[tuple[str, ...], Job] = field(default_factory=dict)

    def __call__(self, comparison: Comparison) -> Due:
        """Raises UserError for overrides that no run can have."""
        arms = self.setting.arms_of(comparison)
        seeds = range(self.setting.seeds_of(comparison))
        refused = self._plan([arm for arm in arms if tuple(arm) not in self.known], comparison)
        first = [self.known[tuple(arm)] for arm in arms if tuple(arm) in self.known]
        if arms and not first:
            why = refused[0]["reason"]
            raise UserError(f"none of its {len(arms)} arms is possible here: {why}")
        return Due(
            comparison,
            tuple(_with_seed(job, seed) for job in first for seed in seeds),
            tuple(
                MeasurementRun(m.name, seed, m.options)
                for m in comparison.measurements
                for seed in seeds
            ),
            pd.DataFrame([row | {"seed": seed} for row in refused for seed in seeds]),
        )

    def _plan(self, arms: list[list[str]], comparison: Comparison) -> list[dict[str, Any]]:
        """Plan each arm once; returns rows for those that cannot run, where these may be."""
        if not comparison.may_refuse:
            jobs = plan_jobs(arms, self.composer)
            self.known |= {tuple(arm): job for arm, job in zip(arms, jobs, strict=True)}
            return []
        refused = []
        for arm in arms:
            try:
                [self.known[tuple(arm)]] = plan_jobs([arm], self.composer)
            except UserError as error:
                refused.append(_refused(*self.composer(arm), error.lines[0]))
        return refused


def _with_seed(job: Job, seed: int) -> Job:
    return Job((*job.overrides, f"++seed={seed}"), job.plan.with_seed(seed))


def _refused(tree: dict[str, Any], preset: str, reason: str) -> dict[str, Any]:
    """A row of the runs' table for a cell that cannot run."""
    ended = {"status": "refused", "outcome": "refused", "reason": reason}
    return {"run": None, "folder": "", "preset": preset, **ended, **flatten(tree)}


def plan_all(setting: Setting) -> list[Due]:
    """Plan the chosen comparisons; UserError names every problem, with the comparison it is in."""
    plans, due, problems = Plans(setting), [], []
    for name in setting.ids:
        try:
            due.append(plans(load(name)))
        except UserError as error:
            problems += [f"{name}: {line}" for line in error.lines]
    if problems:
        shown = problems[:12] + ([f"and {len(problems) - 12} more"] if len(problems) > 12 else [])
        raise UserError(*shown)
    return due


def judge_all(due: Sequence[Due], results: Iterable[Result], runs_dir: Path) -> list[Entry]:
    """Hold every comparison's records against its YAML.

    Holm's correction is over all statistical assertions of the ledger, also of comparisons that
    were not chosen.
    """
    folders = {result.identity: result.folder for result in results if result.folder is not None}
    for one in due:
        folders |= {m.identity: m.folder(runs_dir) for m in one.measurements}
    every = load_runs(*sorted(set(map(str, folders.values())))) if folders else _no_runs()
    found: list[tuple[Comparison, Runs | None, Finding | Working | None, str]] = []
    for one in due:
        try:
            runs = _runs_of(one, every)
            found.append((one.comparison, runs, _judge(one.comparison)(*_inputs(one, runs)), ""))
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            problem = (
                f"{type(error).__name__}: {error} ({Path(where.filename).name}:{where.lineno})"
            )
            found.append((one.comparison, None, None, " ".join(problem.split())))
    return _entries(found)


def _entries(
    found: Sequence[tuple[Comparison, Runs | None, Finding | Working | None, str]],
) -> list[Entry]:
    pairs = [
        (comparison, assertion, _quantity(outcome, assertion.quantity))
        for comparison, _, outcome, _ in found
        for assertion in comparison.assertions
    ]
    raw = [raw_p(assertion, quantity) for _, assertion, quantity in pairs]
    adjusted = corrected(raw, family_size())
    verdicts: dict[str, list[Verdict]] = {}
    for (comparison, assertion, quantity), p in zip(pairs, adjusted, strict=True):
        verdicts.setdefault(comparison.id, []).append(judge(assertion, quantity, p))
    return [
        Entry(
            comparison,
            outcome,
            tuple(verdicts.get(comparison.id, ())),
            tuple(map(step_verdict, outcome.steps)) if isinstance(outcome, Working) else (),
            runs,
            problem,
        )
        for comparison, runs, outcome, problem in found
    ]


def family_size() -> int:
    """How many assertions of the whole ledger are decided by a test."""
    return sum(assertion.equals is None for name in names() for assertion in load(name).assertions)


def _quantity(outcome: Finding | Working | None, name: str) -> Quantity | None:
    return outcome.quantities.get(name) if isinstance(outcome, Finding) else None


def _runs_of(due: Due, every: Runs) -> Runs:
    wanted = {job.plan.identity for job in due.jobs} | {m.identity for m in due.measurements}
    rows = every.runs[every.runs["run"].isin(wanted)]
    rows = rows[rows["status"] == "done"]
    if len(due.refused):
        rows = pd.concat([rows, due.refused])
    return Runs(rows.reset_index(drop=True), every.skipped)


def _inputs(due: Due, runs: Runs) -> tuple[Any, ...]:
    arithmetic = due.comparison.kind == "arithmetic"
    if not arithmetic and not len(runs.runs):
        raise UserError("no run of it is done")
    return (due.comparison.inputs, runs) if arithmetic else (runs,)


def _judge(comparison: Comparison) -> Callable[..., Finding | Working]:
    module, _, function = comparison.judge.rpartition(".")
    ours = f"bnexp.comparisons.judges.{module}"
    home = importlib.import_module(ours if "." not in module and find_spec(ours) else module)
    found: Callable[..., Finding | Working] = getattr(home, function)
    return found


def _no_runs() -> Runs:
    columns = ["run", "folder", "preset", "status", "outcome", "reason"]
    return Runs(pd.DataFrame(columns=columns), pd.DataFrame(columns=["folder", "reason"]))
