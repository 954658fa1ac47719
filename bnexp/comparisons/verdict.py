"""From measured quantities to verdicts, by the rules of the comparison's YAML.

A direction (`above`, `below`) is supported when the quantity lies on the stated side of the line,
and contradicted when it lies on the other. A size (`within`) is supported when the quantity lies
between the bounds, contradicted when it lies outside. Either needs at least three seeds and a
p-value, of a two-sided test against the nearest line, that is below 5% after Holm's correction
over all statistical assertions of the ledger, whichever of them were measured. Everything else is
inconclusive. A fact is held against its rule as it is.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

from bnexp.comparisons.config import Assertion
from bnexp.comparisons.finding import Quantity
from bnexp.report.statistics import holm

ALPHA = 0.05
LEAST_SEEDS = 3
MOST_SEEDS = 10_000  # beyond, nobody would run them

Word = Literal[
    "supported", "contradicted", "inconclusive", "not measured", "exact", "rounded", "erratum"
]


@dataclass(frozen=True)
class Verdict:
    """An assertion held against what was measured.

    `p` is the raw two-sided p-value, `p_holm` the corrected one; NaN for facts. `seeds_needed` is
    an estimate of the seeds that would settle an inconclusive one, None where none would or the
    question is another. `reason` says in a few words why a verdict is not plain.
    """

    assertion: Assertion
    quantity: Quantity | None
    word: Word
    p: float = math.nan
    p_holm: float = math.nan
    seeds_needed: int | None = None
    reason: str = ""


def raw_p(assertion: Assertion, quantity: Quantity | None) -> float:
    """The p-value against the nearest line of the assertion; NaN where there is no test."""
    if quantity is None or quantity.kind == "fact" or not quantity.n:
        return math.nan
    return quantity.p_against(_nearest(assertion, quantity))


def judge(assertion: Assertion, quantity: Quantity | None, p_holm: float) -> Verdict:
    """The verdict of one assertion, its p-value corrected already."""
    if quantity is None or not quantity.n:
        return Verdict(assertion, quantity, "not measured")
    holds = _holds(assertion, quantity.centre)
    claimed: Word = "supported" if holds else "contradicted"
    if quantity.kind == "fact":
        return Verdict(assertion, quantity, claimed)
    p = raw_p(assertion, quantity)
    if quantity.n < LEAST_SEEDS:
        words = f"only {quantity.n} seed{'s' if quantity.n > 1 else ''}"
        return Verdict(assertion, quantity, "inconclusive", p, p_holm, LEAST_SEEDS, words)
    if not _bound_allows(assertion, quantity, holds):
        words = "a target was missed, so only a bound is known"
        return Verdict(assertion, quantity, "inconclusive", p, p_holm, None, words)
    if p_holm < ALPHA:
        return Verdict(assertion, quantity, claimed, p, p_holm)
    needed = seeds_needed(assertion, quantity, p_holm / p if p > 0 else 1.0)
    return Verdict(assertion, quantity, "inconclusive", p, p_holm, needed, _open(quantity, p))


def _open(quantity: Quantity, p: float) -> str:
    """Why an assertion is open."""
    if p < ALPHA:
        return "only before Holm's correction"
    if quantity.kind != "share" and quantity.values.nunique() == 1:
        return "the same in every seed, but of too few seeds"
    return "the interval straddles the line"


def corrected(p: Sequence[float], family: int) -> list[float]:
    """Holm's correction for `family` hypotheses, of which those in `p` were tested."""
    untested = [math.nan] * (family - len(p))
    return holm([*p, *untested])[: len(p)]


def seeds_needed(assertion: Assertion, quantity: Quantity, multiplier: float) -> int | None:
    """Seeds at which the effect seen would pass at 5% after correction, if it is the true one.

    For means: the n at which the expected t statistic reaches the corrected critical value; for
    values without scatter the n at which the sign test passes. None for shares, where the effect
    is nil, and beyond 10,000.
    """
    line = _nearest(assertion, quantity)
    effect = abs(quantity.effect(line))
    if math.isnan(effect) or effect == 0 or quantity.grid > 1:
        return None
    alpha = ALPHA / max(multiplier, 1.0)
    if math.isinf(effect):
        return math.ceil(math.log2(2 / alpha))
    n = LEAST_SEEDS
    while n <= MOST_SEEDS:
        if effect * math.sqrt(n) >= stats.t.isf(alpha / 2, n - 1):
            return n
        n += max(1, n // 20)
    return None


def _nearest(assertion: Assertion, quantity: Quantity) -> float:
    if assertion.within is not None:
        log = quantity.kind == "ratio"
        lines = np.asarray(assertion.within)
        gaps = np.log(lines) - np.log(quantity.centre) if log else lines - quantity.centre
        return float(lines[np.abs(gaps).argmin()])
    line = next(x for x in (assertion.above, assertion.below, assertion.equals) if x is not None)
    return float(line)


def _holds(assertion: Assertion, centre: float) -> bool:
    if assertion.within is not None:
        low, high = assertion.within
        return low <= centre <= high
    if assertion.above is not None:
        return centre > assertion.above
    if assertion.below is not None:
        return centre < assertion.below
    assert assertion.equals is not None
    return math.isclose(centre, assertion.equals, rel_tol=1e-9, abs_tol=1e-12)


def _bound_allows(assertion: Assertion, quantity: Quantity, holds: bool) -> bool:
    """Whether a verdict stands if the true value may lie further out on the bounded side."""
    if not quantity.bound:
        return True
    up = quantity.bound == "least"  # the truth may be larger
    if assertion.within is not None:
        low, high = assertion.within
        beyond = quantity.centre > high if up else quantity.centre < low
        return not holds and beyond
    wants_up = assertion.above is not None
    return holds if up == wants_up else not holds
