"""From chosen comparisons to what was measured: courses ask for runs until each is over."""

import math
import time
from collections.abc import Callable, Mapping, Sequence

from bnexp.comparisons.config import load
from bnexp.comparisons.course import Course
from bnexp.comparisons.evidence import Published
from bnexp.comparisons.planner import Planner
from bnexp.comparisons.records import Records
from bnexp.comparisons.setting import Setting
from bnexp.errors import UserError
from bnexp.sweep import Job, Result

Train = Callable[[Sequence[Job]], Sequence[Result]]
Tell = Callable[[Sequence[Course]], None]


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

    A run that several comparisons need is trained once. After `minutes`, or those of its own
    definition, a comparison begins no further judged seeds.
    """
    began = time.monotonic()
    before: dict[str, int] = {}
    while True:
        passed = (time.monotonic() - began) / 60
        due = [
            job
            for one in courses
            for job in one.due(records, passed < (minutes or one.comparison.minutes or math.inf))
        ]
        going = [one for one in courses if not one.over]
        if any(one.verdicts and before.get(one.comparison.id) != one.count for one in going):
            tell(going)
        before = {one.comparison.id: one.count for one in courses}
        if not due:
            return
        records.add(train(due))
