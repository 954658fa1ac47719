"""Rows of the ledger judged without training: their YAML, and made-up measurements."""

import importlib
from typing import Any

from bnexp.comparisons.config import load
from bnexp.comparisons.working import Working, step_verdict
from bnexp.runs.tables import Runs
from tests.comparisons.judges.tables import make

Rows = list[tuple[str, str, float]]


def measured_by(*checks: tuple[str, dict[str, Any], Rows]) -> Runs:
    """Runs that are measurements: (check, options, what it returned) each."""
    rows: list[dict[str, Any]] = []
    measures: list[dict[str, Any]] = []
    for number, (name, options, found) in enumerate(checks):
        run = f"check{number}"
        keys = {f"check.options.{key}": value for key, value in options.items()}
        rows.append({"run": run, "seed": 0, "outcome": "measured", "check.name": name, **keys})
        for layer, what, value in found:
            measures.append({"run": run, "step": 0, "layer": layer, "name": what, "value": value})
    return make(rows, measures=measures)


def judged(name: str, runs: Runs | None = None) -> Working:
    """What the judge of an arithmetic comparison computes."""
    comparison = load(name)
    module, _, function = comparison.judge.rpartition(".")
    judge = getattr(importlib.import_module(f"bnexp.comparisons.judges.{module}"), function)
    found: Working = judge(comparison.inputs, runs or make([]))
    return found


def verdicts(working: Working) -> list[tuple[str, str]]:
    """(printed, verdict) of every number that the source prints, in order."""
    return [(s.printed, step_verdict(s)) for s in working.steps if s.printed is not None]


def words(working: Working) -> list[str]:
    """The verdicts alone."""
    return [word for _, word in verdicts(working)]


def value(working: Working, label: str) -> float:
    """The recomputed value of the step with this label."""
    [found] = [step.value for step in working.steps if step.label == label]
    return found
