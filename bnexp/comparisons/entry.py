"""A row of the ledger: one comparison, what was found, the verdicts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bnexp.comparisons.choices import Choices
from bnexp.comparisons.config import Comparison
from bnexp.comparisons.finding import Finding
from bnexp.comparisons.verdict import Verdict
from bnexp.comparisons.working import Printed, Step, Working, step_verdict
from bnexp.runs.tables import Runs

if TYPE_CHECKING:
    from bnexp.comparisons.course import Course


NOTHING = Choices()


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
    choices: Choices = NOTHING

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


def entry_of(course: "Course") -> Entry:
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
        course.choices or NOTHING,
    )


def distinct_quantities(comparisons: Sequence[Comparison]) -> int:
    """How many quantities share the ledger's alpha, facts left out, whatever their assertions.

    Sizes reported from another setting enter no total, so they are left out too.
    """
    return len(
        {
            (one.id, assertion.quantity)
            for one in comparisons
            for assertion in one.assertions
            if assertion.equals is None
            and not (assertion.protocol == "proxy" and assertion.within is not None)
        }
    )
