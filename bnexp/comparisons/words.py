"""Measured numbers, rules and verdicts as text."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from bnexp.comparisons.config import Assertion
from bnexp.comparisons.counting import ALONE, LEDGER
from bnexp.comparisons.finding import Quantity
from bnexp.comparisons.readings import Reading
from bnexp.comparisons.verdict import Verdict
from bnexp.comparisons.working import Step
from bnexp.report.labels import number

if TYPE_CHECKING:
    from bnexp.comparisons.run import Entry

ORDER = (
    "yes", "no difference", "no", "likely yes", "likely no", "open", "here too", "not here",
    "exact", "rounded", "erratum", "not measured",
)  # fmt: skip
LUCK = (
    f"Likely: enough seeds by itself, not in a ledger of up to {LEDGER} quantities, of which some "
    f"{LEDGER / ALONE / 2:.0f} would say so by luck."
)


def with_unit(text: str, quantity: Quantity) -> str:
    """A number as text with its quantity's unit."""
    unit = quantity.unit
    return f"{text}{unit}" if unit[:1] in ("", "x", "%") else f"{text} {unit}"


def shown(quantity: Quantity) -> str:
    """The median as text: "3.2", or "at least 3.2" where only a bound is known; no unit."""
    found = quantity.median
    return "not measured" if found is None else _interval(found, quantity)


def _interval(reading: Reading, quantity: Quantity) -> str:
    if reading.bounded or not (math.isfinite(reading.low) or math.isfinite(reading.high)):
        return number(quantity.middle(reading))
    if not math.isfinite(reading.high):
        unknown = reading.low <= 0 and quantity.kind == "ratio"
        return "unknown" if unknown else f"at least {number(reading.low)}"
    return f"at most {number(reading.high)}"


def each(reading: Reading, quantity: Quantity) -> str:
    """A seed's reading as text: a number, "4.4 to 6.1", "at least 5"."""
    if reading.low == reading.high or not reading.bounded:
        return with_unit(_interval(reading, quantity), quantity)
    return with_unit(f"{number(reading.low)} to {number(reading.high)}", quantity)


def measured(verdict: Verdict) -> str:
    """ "5.1x (4.4 to 6), faster in 15 of 15 seeds"."""
    quantity = verdict.quantity
    if quantity is None or not quantity.n:
        return "not measured"
    text = with_unit(shown(quantity), quantity)
    if verdict.lines is None:
        return text
    if verdict.interval is not None:
        low, high = verdict.interval
        ends = [number(end) if math.isfinite(end) else "?" for end in (low, high)]
        text += f" ({ends[0]} to {ends[1]})" if ends[0] != ends[1] else ""
    return f"{text}, {counts(verdict)}"


def counts(verdict: Verdict) -> str:
    """ "faster in 15 of 15 seeds": the side that more seeds speak for."""
    assertion, lines = verdict.assertion, verdict.lines
    assert lines is not None
    if verdict.word == "no difference":
        return f"within {number(assertion.margin or 0)} in {min(lines.same)} of {lines.n} seeds"
    if lines.yes.k >= lines.no.k:
        said, k = assertion.verb or rule(assertion), lines.yes.k
    else:
        said, k = f"not {assertion.verb}" if assertion.verb else against(assertion), lines.no.k
    return f"{said} in {k} of {lines.n} seeds"


def rule(assertion: Assertion) -> str:
    """The rule in words: "above 1", "10 to 100", "exactly 0"."""
    if assertion.within is not None:
        return f"{number(assertion.within[0])} to {number(assertion.within[1])}"
    for name in ("above", "below", "equals"):
        line = getattr(assertion, name)
        if line is not None:
            return f"{'exactly' if name == 'equals' else name} {number(line)}"
    raise AssertionError(assertion)


def against(assertion: Assertion) -> str:
    """What a seed shows that speaks against it: "below 1", "outside"."""
    if assertion.above is not None:
        return f"below {number(assertion.above)}"
    return f"above {number(assertion.below)}" if assertion.below is not None else "outside"


def right(step: Step) -> str:
    """The recomputed value with a digit more than the source prints."""
    if not step.is_number:
        return number(step.value)
    assert step.printed is not None
    kind = "e" if "e" in step.printed.lower() else "f"
    return f"{step.value:.{step.decimals + 1}{kind}}"


def counted(words: Iterable[str]) -> str:
    """ "2 yes, 1 no"."""
    counts = Counter(words)
    return ", ".join(f"{counts[word]} {word}" for word in ORDER if counts[word])


def headline(entries: Sequence["Entry"]) -> str:
    """The whole ledger in one sentence."""
    verdicts = [v for entry in entries for v in entry.verdicts]
    total = [v for v in verdicts if v.counts]
    decided = sum(v.decided for v in total)
    words = counted(v.word if v.decided else "open" for v in total)
    printed = [word for entry in entries for _, word in entry.printed]
    parts = []
    if total:
        parts.append(f"Of {len(total)} claims within reach {decided} are decided: {words}")
    if len(verdicts) > len(total):
        parts.append(f"{len(verdicts) - len(total)} more cannot be decided here")
    if printed:
        parts.append(f"numbers and statements recomputed: {counted(printed)}")
    return "; ".join(parts) + "." if parts else "Nothing was measured."
