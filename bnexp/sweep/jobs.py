"""The jobs of a sweep, all checked before the first one starts."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bnexp.compose import Composer
from bnexp.errors import UserError
from bnexp.plan import Plan, plan

SHOWN = 3  # jobs named with a problem that many share


@dataclass(frozen=True, eq=False)
class Job:
    """A checked run and the overrides that it was composed from."""

    overrides: tuple[str, ...]
    plan: Plan


def plan_jobs(
    override_lists: Iterable[Sequence[str]],
    compose: Callable[[Sequence[str]], tuple[dict[str, Any], str]] | None = None,
    here: bool = True,
) -> list[Job]:
    """Compose and check every job; UserError names each problem once, with the jobs that have it.

    `here` says whether the jobs will run on this machine, so that their device must be in it.
    """
    compose = compose or Composer()
    override_lists = list(override_lists)
    jobs = []
    problems: dict[str, list[str]] = {}
    for overrides, label in zip(override_lists, labels(override_lists), strict=True):
        try:
            tree, preset = compose(overrides)
            jobs.append(Job(tuple(overrides), plan(tree | {"sweep": []}, preset, here=here)))
        except UserError as error:
            for line in error.lines:
                problems.setdefault(line, []).append(label)
    if problems:
        raise UserError(
            *(line + _where(bad, len(override_lists)) for line, bad in problems.items())
        )
    return jobs


def labels(override_lists: Sequence[Sequence[str]]) -> list[str]:
    """What tells each job from the others: its overrides that not all of them have, as typed."""
    shared = set.intersection(*map(set, override_lists)) if len(override_lists) > 1 else set()
    return [
        " ".join(override.lstrip("+") for override in overrides if override not in shared)
        for overrides in override_lists
    ]


def _where(bad: list[str], total: int) -> str:
    if len(bad) == total:
        return f"  (in all {total} jobs)" if total > 1 else ""
    more = f", and {len(bad) - SHOWN} more jobs" if len(bad) > SHOWN else ""
    return f"  (in {', '.join(bad[:SHOWN])}{more})"


def notes(jobs: Sequence[Job]) -> list[str]:
    """What is to be said of the jobs before they are trained: each note once."""
    said = Counter(note for job in jobs for note in job.plan.notes)
    runs = len(jobs)
    return [f"{note}  (in {n} of {runs} runs)" if n < runs else note for note, n in said.items()]
