"""From a call to its answer: pilots choose, judged seeds run until each pair is decided."""

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Any

import pandas as pd

from bnexp.comparisons.choices import Choices
from bnexp.comparisons.config import Comparison
from bnexp.comparisons.counting import seeds_for
from bnexp.comparisons.course import Course
from bnexp.comparisons.measure import cell
from bnexp.comparisons.planner import Planner
from bnexp.comparisons.records import Records
from bnexp.errors import UserError
from bnexp.report.context import context, dataset
from bnexp.report.labels import listed, plural
from bnexp.runs.identity import flatten
from bnexp.runs.tables import Runs
from bnexp.sweep import Job, Result, Stopped, run_all
from bnexp.sweep.live import LivePage, live_page
from bnexp.sweep.run import default_workers
from bnexp.versus.answer import Answer, Line
from bnexp.versus.arms import RATE, Arm, arms_of, find_control
from bnexp.versus.call import Call
from bnexp.versus.definition import definition, setting_of
from bnexp.versus.judge import CHOICE, rows_of
from bnexp.versus.showing import Live, round_told, to_stderr
from bnexp.versus.warnings import warnings


@dataclass
class Going:
    """One call on its way: its arms, its course, the runs that have ended."""

    call: Call
    arms: list[Arm]
    control: str
    comparison: Comparison
    course: Course
    records: Records
    command: str
    engine: Any = None
    quiet: bool = False
    stopped: str = ""
    interrupted: bool = False
    failed: list[Result] = field(default_factory=list)

    @property
    def jobs(self) -> list[Job]:
        """Every run that was asked for so far."""
        return list(self.course.planner.seeded.values())

    # ------------------------------------------------------------------------------- training

    def until_decided(self) -> Answer:
        """Train what is due, round by round, until each pair is decided or something stops it."""
        end = time.monotonic() + 60 * self.call.minutes if self.call.minutes else None
        with self._stopping(end), self._page() as page, Live(self._take, self._now) as live:
            while due := self.course.due(self.records, end is None or time.monotonic() < end):
                self._tell(live)
                self._train(due, live, page, end)
        going_on = self.course.count < self.course.setting.most(self.comparison)
        late = end is not None and time.monotonic() >= end
        if (
            not self.stopped
            and late
            and going_on
            and not all(v.decided for v in self.course.verdicts)
        ):
            self.stopped = self._over
        return self.answer()

    def until_chosen(self) -> None:
        """Train the pilots alone."""
        with self._stopping(), self._page() as page, Live(self._take, self._now) as live:
            while due := self.course.due(self.records):
                if self.course.choices is not None:
                    return
                self._train(due, live, page, None)

    def _page(self) -> AbstractContextManager[LivePage | None]:
        return live_page(self.arms[0].plan.config.live, self.command)

    def _train(
        self, due: Sequence[Job], live: Live, page: LivePage | None, end: float | None
    ) -> None:
        config = due[0].plan.config
        results = run_all(
            due,
            self.command,
            workers=config.workers,
            retry=config.retry,
            on_error=config.on_error,
            engine=self.engine,
            show=False if live.on_terminal or self.quiet else config.progress,
            announce=not (live.on_terminal or self.quiet),
            watch=live.ended,
            until=end,
            live=page,
        )
        self._ended(results)

    def _ended(self, results: Sequence[Result]) -> None:
        self.records.add(results)
        self.failed += [result for result in results if result.failed and result.new]

    @contextmanager
    def _stopping(self, end: float | None = None) -> Iterator[None]:
        """Read what ended before a stop, so that the answer so far is valid."""
        try:
            yield
        except Stopped as stop:
            self._ended([one for one in stop.results if one.status in ("done", "failed")])
            self.course.look(self.records)
            self.interrupted = stop.by_signal
            over = not stop.by_signal and end is not None and time.monotonic() >= end
            self.stopped = (
                "interrupted" if stop.by_signal else self._over if over else "a run failed"
            )

    @property
    def _over(self) -> str:
        return f"minutes={self.call.minutes:g} is used up"

    def _take(self, result: Result) -> None:
        self.records.add([result] if result.status == "done" else [])
        self.course.look(self.records)

    def _now(self) -> tuple[str, Answer]:
        """A line on the progress, and the answer so far."""
        asked = self.jobs
        ended = sum(self.records.has_ended(job.plan.identity) for job in asked)
        what = "pilots choose" if self.course.choices is None else "judged seeds speak"
        return f"{what}: {ended} of {len(asked)} runs", self.answer()

    def _tell(self, live: Live) -> None:
        if live.on_terminal:
            live.show()
        elif self.course.verdicts and not self.quiet:
            to_stderr([round_told(self.answer(), self.course.count)])

    # --------------------------------------------------------------------------------- the answer

    @property
    def choices(self) -> Choices:
        """What pilots chose so far."""
        return self.course.choices or Choices()

    def answer(self) -> Answer:
        """What the runs so far say."""
        seeds = list(self.course.counted)
        rows = self.course.judged.runs if self.course.judged is not None else pd.DataFrame()
        lines = [self._line(arm, rows, seeds) for arm in self._in_order()]
        verdicts = self.course.verdicts if seeds else ()
        parts = [line.runs for line in lines if len(line.runs)]
        runs = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
        most = None if self.call.seeds else self.call.max_seeds
        told = warnings(
            self.call.metric, self.control, lines, verdicts, seeds, self._edges(),
            self.arms[0].plan.facts.test, self.call.seeds or most,
        )  # fmt: skip
        if self.course.problem:
            told.append(self.course.problem)
        return Answer(
            self.call.metric, self.control, lines, verdicts, seeds, self._where(), self._held(),
            self._chosen(), told, self.call.margin,
            Runs(runs) if len(runs) else None,
            self.stopped, self.command,
        )  # fmt: skip

    def _in_order(self) -> list[Arm]:
        return sorted(self.arms, key=lambda arm: arm.label != self.control)

    def _line(self, arm: Arm, rows: pd.DataFrame, seeds: Sequence[int]) -> Line:
        metric = self.call.metric
        rate = self._rate(arm)
        asked, ended = self._progress(arm)
        if rows.empty or not seeds:
            return Line(arm.label, {}, arm.where, rate, arm.tuned, ended, asked)
        counted = rows[rows["seed"].isin(set(seeds))]
        mine = rows_of(counted, self.choices, arm.where)
        found = self.course.judged
        assert found is not None
        part = Runs(counted, found.skipped) if metric.is_search else Runs(mine, found.skipped)
        try:
            readings = metric.read(part, mine, self.choices, arm.where)
        except LookupError:  # its search has not begun
            readings = {}
        return Line(arm.label, readings, arm.where, rate, arm.tuned, ended, asked, mine)

    def _progress(self, arm: Arm) -> tuple[int, int]:
        """Judged seeds of an arm, asked for and ended; while pilots choose, the pilots'."""
        course = self.course
        pilots = set(course.pilots)
        choosing = course.choices is None
        asked: dict[int, list[str]] = {}
        for (one, seed), job in course.planner.seeded.items():
            if (seed in pilots) == choosing and self._is(arm, course.planner.keys(one)):
                asked.setdefault(seed, []).append(job.plan.identity)
        ended = sum(all(map(self.records.has_ended, runs)) for runs in asked.values())
        return len(asked), ended

    def _is(self, arm: Arm, keys: dict[str, Any]) -> bool:
        row = pd.DataFrame([{key: keys.get(key) for key in arm.where}], dtype=object)
        return len(cell(row, **arm.where)) == 1

    def _rate(self, arm: Arm) -> float:
        if not arm.tuned:
            return arm.rate
        found = [one for one in self.choices.of_kind("choice", CHOICE) if one.is_for(arm.where)]
        return float(found[0].value) if found else float("nan")

    def _edges(self) -> dict[str, str]:
        """The arms whose rate is the smallest or the largest that pilots tried."""
        if self.course.choices is None or self.course.piloted is None:
            return {}
        found = {}
        for arm in self.arms:
            tried = sorted(set(cell(self.course.piloted.runs, **arm.where)[RATE].astype(float)))
            if arm.tuned and len(tried) > 1 and self._rate(arm) in (tried[0], tried[-1]):
                found[arm.label] = "smallest" if self._rate(arm) == tried[0] else "largest"
        return found

    def _where(self) -> str:
        configs = [arm.plan.config.data for arm in self.arms]
        names = [dataset(data.name, getattr(data, "root", None)) for data in configs]
        return listed(list(dict.fromkeys(names)))

    def _held(self) -> str:
        """What all arms share, in words."""
        configs = [arm.plan.config for arm in self.arms]
        table = pd.DataFrame([flatten(config.model_dump()) for config in configs])
        epochs = {config.training.epochs for config in configs}
        sizes = {config.data.batch_size for config in configs}
        parts = [context(table)]
        parts += [plural(epochs.pop(), "epoch")] if len(epochs) == 1 else []
        parts += [f"batches of {sizes.pop()}"] if len(sizes) == 1 else []
        parts.append("with a seed the same images, order and weights where shapes agree")
        return ", ".join(parts)

    def _chosen(self) -> str:
        told = [
            f"{self._rate(arm):g} ({arm.label})"
            for arm in self._in_order()
            if arm.tuned and self._rate(arm) == self._rate(arm)
        ]
        if not told:
            return ""
        by = "time to the target" if self.call.metric.is_time else "validation accuracy"
        rates = "learning rate" if len(told) == 1 else "learning rates"
        return f"{rates} {listed(told)}, by {by} of {len(self.course.pilots)} pilot seeds"


def begin(call: Call, command: str, engine: Any = None, plan: bool = False) -> Going:
    """Check everything that a call asks for; nothing is trained. Raises UserError."""
    arms = arms_of(call.words)
    control = find_control([(arm.label, arm.where) for arm in arms], call.control)
    comparison = definition(call, arms, control, plan)
    course = Course(comparison, setting_of(call), Planner())
    records = Records(arms[0].plan.runs_dir, command)
    return Going(call, arms, control, comparison, course, records, command, engine)


@dataclass(frozen=True)
class Forecast:
    """What `--plan` says of one pair; `seeds` is None where no number up to 1,000 would do."""

    label: str
    spread: float
    seeds: int | None
    minutes: float


def forecasts(going: Going) -> list[Forecast]:
    """How many seeds, and minutes, the difference that is asked about would take."""
    course, metric = going.course, going.call.metric
    wanted = asked_difference(going.call)
    assert course.piloted is not None
    each = 0.0
    for arm in going.arms:
        mine = rows_of(course.piloted.runs, going.choices, arm.where)
        each += float(pd.to_numeric(mine["seconds_total"], errors="coerce").mean())
    workers = going.arms[0].plan.config.workers
    side = 1 if metric.is_timed else workers or default_workers([arm.plan for arm in going.arms])
    found = []
    for label in (arm.label for arm in going.arms if arm.label != going.control):
        spreads = going.choices.of_kind("spread", label)
        spread = float(spreads[0].value) if spreads else float("nan")
        size = _scale(wanted, metric.kind)
        p = NormalDist().cdf(size / spread) if spread > 0 else float(spread == 0)
        count = seeds_for(p, going.comparison.family, 1000)
        found.append(Forecast(label, spread, count, (count or 0) * each / 60 / side))
    return found


def _scale(wanted: float, kind: str) -> float:
    return math.log(wanted) if kind == "ratio" else wanted


def asked_difference(call: Call) -> float:
    """What `--plan` answers for: typed, or half a point, a hundredth, a tenth more."""
    if call.metric.kind == "ratio":
        return call.difference or 1 + (call.margin or 0.1)
    return call.difference or call.margin or (0.5 if call.metric.is_accuracy else 0.01)


def compare_runs(call: Call, command: str, engine: Any = None, quiet: bool = False) -> Answer:
    """Run a call to its end."""
    going = begin(call, command, engine)
    going.quiet = quiet
    answer = going.until_decided()
    if going.interrupted:
        raise KeyboardInterrupt
    if not answer.seeds and going.course.problem:
        raise UserError(f"compare: {going.course.problem}")
    return answer
