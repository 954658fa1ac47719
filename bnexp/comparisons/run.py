"""From chosen comparisons to what was measured: courses ask for runs until each is over."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bnexp.comparisons.config import Comparison, load
from bnexp.comparisons.course import Course
from bnexp.comparisons.evidence import Published
from bnexp.comparisons.finding import Finding
from bnexp.comparisons.planner import Planner
from bnexp.comparisons.records import Records
from bnexp.comparisons.setting import Setting
from bnexp.comparisons.verdict import Verdict
from bnexp.comparisons.working import Printed, Step, Working, step_verdict
from bnexp.errors import UserError
from bnexp.runs.tables import Runs
from bnexp.sweep import Job, Result

Train = Callable[[Sequence[Job]], Sequence[Result]]
Tell = Callable[[Sequence[Course]], None]


@dataclass(frozen=True)
class Entry:
    """One row of the ledger: what was found, and the verdicts.

    `found` is None where nothing was measured; `problem` then says why. `words` are the verdicts
    of an arithmetic row's steps. `seeds` are the judged seeds that count.
    """

    comparison: Comparison
    found: Finding | Working | None = None
    verdicts: tuple[Verdict, ...] = ()
    words: tuple[Printed, ...] = ()
    runs: Runs | None = None
    problem: str = ""
    edition: str = ""
    seeds: tuple[int, ...] = ()
    course: Course | None = None

    @property
    def printed(self) -> list[tuple[Step, Printed]]:
        """The steps of an arithmetic row that the source prints, each judged."""
        steps = self.found.steps if isinstance(self.found, Working) else ()
        pairs = zip(steps, self.words, strict=True)
        return [pair for pair in pairs if pair[0].printed is not None]

    @property
    def all_words(self) -> tuple[str, ...]:
        """Every verdict of the row."""
        found = (*self.words, *(verdict.word for verdict in self.verdicts))
        return found or ("not measured",)


def courses_of(setting: Setting, published: Mapping[str, Published] | None = None) -> list[Course]:
    """Plan the chosen comparisons; UserError names every problem, with the comparison it is in."""
    planner, courses, problems = Planner(), [], []
    for name in setting.ids:
        try:
            known = (published or {}).get(name, Published())
            courses.append(Course(load(name), setting, planner, known))
        except UserError as error:
            problems += [f"{name}: {line}" for line in error.lines]
    if problems:
        shown = problems[:12] + ([f"and {len(problems) - 12} more"] if len(problems) > 12 else [])
        raise UserError(*shown)
    return courses


def run_courses(
    courses: Sequence[Course],
    records: Records,
    train: Train,
    minutes: float | None = None,
    tell: Tell = lambda courses: None,
) -> None:
    """Train what is due, round by round, until every course is over.

    A run that several comparisons need is trained once. After `minutes` no further judged seeds
    begin.
    """
    end = time.monotonic() + 60 * minutes if minutes is not None else float("inf")
    before: dict[str, int] = {}
    while True:
        may_grow = time.monotonic() < end
        due = [job for one in courses for job in one.due(records, may_grow)]
        going = [one for one in courses if not one.over]
        if any(one.verdicts and before.get(one.comparison.id) != one.count for one in going):
            tell(going)
        before = {one.comparison.id: one.count for one in courses}
        if not due:
            return
        records.add(train(due))


def entry_of(course: Course) -> Entry:
    """The row of the ledger that a course has come to."""
    found = course.found
    return Entry(
        course.comparison,
        found,
        course.verdicts,
        tuple(map(step_verdict, found.steps)) if isinstance(found, Working) else (),
        course.judged,
        course.problem,
        course.edition,
        tuple(course.counted),
        course,
    )


def distinct_quantities(comparisons: Sequence[Comparison]) -> int:
    """How many quantities are counted over seeds, any number of lines each."""
    return len(
        {
            (one.id, assertion.quantity)
            for one in comparisons
            for assertion in one.assertions
            if assertion.equals is None
        }
    )


