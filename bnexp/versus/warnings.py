"""What to beware of, a sentence each: unfair comparisons, differences too small to be seen."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

import pandas as pd

from bnexp.comparisons.counting import ALONE, evidence
from bnexp.comparisons.verdict import Verdict
from bnexp.report.labels import listed, number, plural
from bnexp.versus.answer import Line, capital
from bnexp.versus.metrics import Metric

UNEQUAL = 0.01  # of the parameters: less is what norms themselves add


def warnings(
    metric: Metric,
    control: str,
    lines: Sequence[Line],
    verdicts: Sequence[Verdict],
    seeds: Sequence[int],
    edges: Mapping[str, str],
    test_size: int | None,
    most: int | None,
) -> list[str]:
    """All that apply. `edges` says for which arms the rate is at an end of what was tried."""
    found = [*_parameters(control, lines)]
    found += [
        f"{label}: its learning rate is the {end} that was tried; what lies beyond may be better"
        for label, end in edges.items()
    ]
    if metric.is_time and seeds:
        found += [
            f"{line.label}: no seed reaches {100 * metric.level:.4g}% within its epochs; its times "
            "are bounds only"
            for line in lines
            if line.readings and not any(r.bounded for r in line.readings.values())
        ]
    found += _lost(lines)
    found += _silent(lines, seeds)
    if metric.is_timed:
        found += _shared(lines)
    if metric.is_accuracy and metric.column.startswith("test") and test_size:
        found += _noise(lines, verdicts, test_size)
    if most is not None:
        found += _hopeless(most, max((one.family for one in verdicts), default=1))
    return found


def _parameters(control: str, lines: Sequence[Line]) -> Iterator[str]:
    counts = {line.label: line.median("parameters") for line in lines}
    base = counts[control]
    for label, count in counts.items():
        if not math.isnan(count + base) and abs(count / base - 1) > UNEQUAL:
            more = "more" if count > base else "fewer"
            share = 100 * abs(count / base - 1)
            yield (
                f"{label} has {share:.0f}% {more} parameters than {control} "
                f"({count:,.0f} and {base:,.0f})"
            )


def _lost(lines: Iterable[Line]) -> Iterator[str]:
    words = {"not trained": "ended at chance level", "diverged": "diverged"}
    for line in lines:
        told = [
            f"{line.lost(outcome)} of {plural(len(line.runs), 'run')} {said}"
            for outcome, said in words.items()
            if line.lost(outcome)
        ]
        if told:
            yield f"{line.label}: {' and '.join(told)}"


def _silent(lines: Iterable[Line], seeds: Sequence[int]) -> Iterator[str]:
    for line in lines:
        silent = [str(seed) for seed in seeds if seed not in line.readings]
        if silent:
            yield (
                f"{line.label}: {plural(len(silent), 'seed')} could not be read "
                f"({listed(silent)}); they count, and say nothing"
            )


def _shared(lines: Iterable[Line]) -> Iterator[str]:
    shared = sum(
        int((~line.runs["exclusive"].astype(bool)).sum())
        for line in lines
        if "exclusive" in line.runs
    )
    if shared:
        yield (
            f"{plural(shared, 'run')} may have shared the machine while being timed; rerun=true "
            "times them alone"
        )


def _noise(lines: Sequence[Line], verdicts: Sequence[Verdict], size: int) -> Iterator[str]:
    """The standard error that the draw of the test images alone gives a difference, at most.

    As if the arms' mistakes were independent; on the same images they mostly are not.
    """
    shares = {
        line.label: pd.to_numeric(line.runs["test_accuracy"], errors="coerce").median()
        for line in lines
        if "test_accuracy" in line.runs
    }
    for verdict in verdicts:
        quantity, label = verdict.quantity, verdict.assertion.quantity
        both = [shares.get(name, math.nan) for name in (label, lines[0].label)]
        if quantity is None or not quantity.n or any(map(math.isnan, both)):
            continue
        error = 100 * math.sqrt(sum(p * (1 - p) for p in both) / size)
        if error > abs(quantity.centre):
            yield (
                f"{label}: {plural(size, 'test image')} are few for a difference of "
                f"{number(abs(quantity.centre), 2)} points; their draw alone gives it a standard "
                f"error of up to {number(error, 2)}"
            )


def _hopeless(most: int, family: int) -> Iterator[str]:
    if evidence(most, most) < ALONE * family:
        enough = next(n for n in range(1, 200) if evidence(n, n) >= ALONE * family)
        yield capital(
            f"{plural(family, 'pair')} cannot be decided by {plural(most, 'seed')}: it takes "
            f"{enough} or more"
        )
