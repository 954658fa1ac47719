"""From readings to verdicts: seeds are counted on either side of an assertion's lines.

`above` a line is **yes** when enough seeds speak above it, **no** when enough speak below; with a
margin it is **no difference** when enough are above line - margin and enough below line + margin.
`within` two bounds is yes when enough are above the lower one and enough below the upper one, and
no when enough are beyond one of them. "Enough" is by the ledger's threshold (counting.py); what is
enough for one comparison by itself only is **likely**. A fact is compared with its rule as it is.
Nothing depends on which other comparisons were run, in which order seeds ended, or in how many
sittings.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Literal

from bnexp.comparisons.config import Assertion
from bnexp.comparisons.counting import (
    LEDGER,
    evidence,
    needed,
    power,
    seeds_for,
    soonest,
    undecided,
)
from bnexp.comparisons.finding import Quantity
from bnexp.comparisons.readings import SILENT, Reading

MOST_SEEDS = 20
LEAST_POWER = 0.2  # below, an assertion is out of reach
DISAGREE = 0.25  # share of the speaking seeds on the weaker side from which on they disagree

Word = Literal[
    "yes", "likely yes", "open", "likely no", "no", "no difference", "here too", "not here",
    "not measured",
]  # fmt: skip
Open = Literal["", "untestable", "out of reach here", "silent", "seeds disagree", "too few seeds"]


@dataclass(frozen=True)
class Side:
    """Seeds that speak for one side of an assertion: k of n for the weakest line it needs."""

    n: int
    k: int

    @property
    def e(self) -> float:
        """The evidence for this side (counting.py)."""
        return evidence(self.n, self.k)


@dataclass(frozen=True)
class Lines:
    """The counts that an assertion needs: each a number of n seeds that speak for a side.

    Yes needs all of `for_it`, no any of `against`, no difference all of `same`.
    """

    n: int
    for_it: tuple[int, ...]
    against: tuple[int, ...]
    same: tuple[int, ...] = ()
    small_if: int = 0

    @classmethod
    def of(cls, assertion: Assertion, readings: Sequence[Reading]) -> "Lines":
        """Count the readings on either side of an assertion's lines."""
        n = len(readings)

        def above(line: float, equal: bool = False) -> int:
            return sum(r.above(line) or (equal and r.low == line) for r in readings)

        def below(line: float, equal: bool = False) -> int:
            return sum(r.below(line) or (equal and r.high == line) for r in readings)

        if assertion.within is not None:
            low, high = assertion.within
            inside = above(low, equal=True), below(high, equal=True)
            return cls(n, inside, (below(low), above(high)))
        if assertion.equals is not None:
            line = assertion.line
            return cls(n, (above(line, True), below(line, True)), (below(line), above(line)))
        rises, line = assertion.above is not None, assertion.line
        for_it, against = (above(line), below(line)) if rises else (below(line), above(line))
        if assertion.margin is None:
            return cls(n, (for_it,), (against,))
        low, high = line - assertion.margin, line + assertion.margin
        small = below(high) if rises else above(low)
        return cls(n, (for_it,), (against,), (above(low), below(high)), small)

    @property
    def yes(self) -> Side:
        """The weakest count that a yes needs."""
        return Side(self.n, min(self.for_it))

    @property
    def no(self) -> Side:
        """The strongest count for a no."""
        return Side(self.n, max(self.against))

    @property
    def stronger(self) -> Side:
        """The side that more seeds speak for."""
        return self.yes if self.yes.k >= self.no.k else self.no

    def word(self, family: int) -> Word:
        """What is decided in the ledger, else by itself."""
        if (word := self._decided(family)) is not None:
            return word
        likely: dict[Word | None, Word] = {"yes": "likely yes", "no": "likely no"}
        return likely.get(self._decided(1), "open")

    def small(self, family: int) -> bool:
        """Whether the value is also decided to be less than a margin beyond the line."""
        return self._enough(self.small_if, family)

    def _decided(self, family: int) -> Word | None:
        if all(self._enough(k, family) for k in self.for_it):
            return "yes"
        if any(self._enough(k, family) for k in self.against):
            return "no"
        if self.same and all(self._enough(k, family) for k in self.same):
            return "no difference"
        return None

    def _enough(self, k: int, family: int) -> bool:
        least = needed(self.n, family)
        return least is not None and k >= least

    @property
    def silent(self) -> int:
        """Seeds that speak for neither side."""
        return self.n - min(self.n, min(self.for_it) + max(self.against))

    def next_look(self, most: int, family: int = LEDGER) -> int | None:
        """The soonest number of seeds, up to `most`, at which more of them could decide."""
        sides = [min(self.for_it), *self.against, *([min(self.same)] if self.same else [])]
        looks = (soonest(self.n, k, family, most) for k in sides)
        return min((look for look in looks if look is not None), default=None)


@dataclass(frozen=True)
class Verdict:
    """An assertion, and what the measured readings say of it.

    `lines` are the counts, None where nothing is counted; `interval` holds all lines that are not
    decided by themselves. `cause` says why one is open, `reason` in words.
    """

    assertion: Assertion
    quantity: Quantity | None
    word: Word
    lines: Lines | None = None
    interval: tuple[float, float] | None = None
    cause: Open = ""
    reason: str = ""
    family: int = LEDGER

    @property
    def n(self) -> int:
        """Seeds counted."""
        return 0 if self.lines is None else self.lines.n

    @property
    def counts(self) -> bool:
        """Whether it enters totals: not sizes from another setting, nor what cannot be decided."""
        elsewhere = self.assertion.protocol == "proxy" and self.assertion.within is not None
        hopeless = self.word == "open" and self.cause not in ("seeds disagree", "too few seeds")
        return not elsewhere and not hopeless and self.word != "not measured"

    @property
    def decided(self) -> bool:
        """Whether it needs no further seeds."""
        return self.word not in ("open", "likely yes", "likely no")


@dataclass(frozen=True)
class Spread:
    """Centre and standard deviation of a quantity over pilots, of a ratio on the logarithm."""

    centre: float
    deviation: float


def judge(
    assertion: Assertion,
    quantity: Quantity | None,
    seeds: Sequence[int],
    spread: Spread | None = None,
    untestable: str = "",
    family: int = LEDGER,
) -> Verdict:
    """The verdict on one assertion.

    `seeds` are the judged seeds that count: the longest prefix of which every run has ended. One
    without a reading is silent. `untestable` says which ceiling the pilots hit.
    """
    if quantity is None or not quantity.n:
        return Verdict(assertion, quantity, "not measured", family=family)
    if quantity.kind == "fact":
        return Verdict(assertion, quantity, "yes" if _fact_holds(assertion, quantity) else "no")
    readings = [quantity.readings.get(seed, SILENT) for seed in seeds]
    lines = Lines.of(assertion, readings)
    word, interval = lines.word(family), undecided(readings)
    verdict = Verdict(assertion, quantity, word, lines, interval, family=family)
    if untestable:
        reason = f"untestable: {untestable}"
        return replace(verdict, word="open", cause="untestable", reason=reason)
    if verdict.word == "yes" and lines.small(family):
        verdict = replace(verdict, reason=f"by less than {assertion.margin:g}")
    if not verdict.decided:
        if spread is None and quantity.n > 2:
            spread = Spread(scaled(quantity.centre, quantity.kind), quantity.spread)
        cause, reason = _why_open(assertion, lines, quantity.kind, spread, family)
        verdict = replace(verdict, cause=cause, reason=reason)
    if assertion.protocol == "proxy" and assertion.within is not None:
        elsewhere: dict[Word, Word] = {"yes": "here too", "no": "not here"}
        verdict = replace(verdict, word=elsewhere.get(verdict.word, verdict.word))
    return verdict


def _why_open(
    assertion: Assertion, lines: Lines, kind: str, spread: Spread | None, family: int
) -> tuple[Open, str]:
    """The first reason that holds, and its words."""
    if spread is not None and reach(assertion, kind, spread, family) < LEAST_POWER:
        return "out of reach here", (
            f"out of reach here: seeds spread too far for {MOST_SEEDS} of them to tell"
        )
    n, yes, no = lines.n, lines.yes.k, lines.no.k
    if 2 * lines.silent > n:
        return "silent", f"most seeds say nothing: {lines.silent} of {n}"
    spoken = n - lines.silent
    if spoken and min(yes, no) / spoken >= DISAGREE:
        return "seeds disagree", f"seeds disagree: {yes} for, {no} against"
    total = seeds_for(lines.stronger.k / n, family) if n else None
    if total is None:
        return "seeds disagree", f"seeds disagree: {lines.stronger.k} of {n} on one side"
    return "too few seeds", f"too few seeds: about {max(1, total - n)} more would tell"


def reach(assertion: Assertion, kind: str, spread: Spread, family: int = LEDGER) -> float:
    """The power to decide a size, or a difference below a margin, with 20 seeds.

    Of normal readings of this spread (of a ratio on the logarithm), wherever their centre lies: at
    best where the pilots' lies, or in the middle of the bounds. A bare direction is never out of
    reach.
    """
    if assertion.within is not None:
        low, high = (scaled(line, kind) for line in assertion.within)
    elif assertion.margin is not None and kind != "ratio":
        line = assertion.line
        low, high = line - assertion.margin, line + assertion.margin
    else:
        return 1.0
    if math.isnan(spread.deviation) or not math.isfinite(spread.centre):
        return 1.0
    deviation = max(spread.deviation, 1e-12)
    hair = 1e-9 * max(1.0, abs(low), abs(high))  # what is on a bound speaks for inside
    low, high = low - hair, high + hair
    best = 0.0
    for centre in (spread.centre, (low + high) / 2):
        below, under = (NormalDist(centre, deviation).cdf(line) for line in (low, high))
        inside, outside = (
            [power(p, MOST_SEEDS, family) for p in chances]
            for chances in ((1 - below, under), (below, 1 - under))
        )
        best = max(best, sum(inside) - 1, *outside)
    return best


def scaled(value: float, kind: str) -> float:
    """A value on the scale on which its spread is measured: the logarithm of a ratio."""
    if kind != "ratio":
        return value
    return math.log(value) if value > 0 else -math.inf


def _fact_holds(assertion: Assertion, quantity: Quantity) -> bool:
    value = quantity.centre
    if assertion.within is not None:
        low, high = assertion.within
        return low <= value <= high
    if assertion.above is not None:
        return value > assertion.above
    if assertion.below is not None:
        return value < assertion.below
    assert assertion.equals is not None
    return math.isclose(value, assertion.equals, rel_tol=1e-9, abs_tol=1e-12)
