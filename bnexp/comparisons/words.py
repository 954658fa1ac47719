"""Measured numbers, rules and verdicts as text."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from bnexp.comparisons.choices import Choices
from bnexp.comparisons.config import Assertion
from bnexp.comparisons.counting import LEDGER, needed
from bnexp.comparisons.finding import Quantity
from bnexp.comparisons.readings import Reading, exact
from bnexp.comparisons.verdict import Lines, Verdict
from bnexp.comparisons.working import Step
from bnexp.report.labels import key_name, number, value_name

if TYPE_CHECKING:
    from bnexp.comparisons.entry import Entry

ORDER = (
    "yes", "no difference", "no", "likely yes", "likely no", "open", "here too", "not here",
    "exact", "rounded", "erratum", "not measured",
)  # fmt: skip
LUCK = (
    f"Likely: enough seeds by itself, not in a ledger of up to {LEDGER} quantities, of which about "
    "three would say so by luck."
)


UNKNOWN = "unknown"
HOW_COUNTED = (
    "Pilot seeds chose; judged seeds are counted, in order. Beside each median stands the interval "
    "of the lines that the seeds do not decide by themselves."
)


def with_unit(text: str, quantity: Quantity) -> str:
    """A number as text with its quantity's unit."""
    if text == UNKNOWN:
        return text
    unit = quantity.unit
    return f"{text}{unit}" if unit[:1] in ("", "x", "%") else f"{text} {unit}"


def shown(quantity: Quantity) -> str:
    """The median as text: "3.2", or "at least 3.2" where only a bound is known; no unit."""
    found = quantity.median
    return "not measured" if found is None else reading_words(found, quantity)


def reading_words(reading: Reading, quantity: Quantity) -> str:
    """A reading as text, a bound where only that is known; no unit."""
    if reading.bounded or not (math.isfinite(reading.low) or math.isfinite(reading.high)):
        return number(quantity.middle(reading))
    if not math.isfinite(reading.high):
        unknown = reading.low <= 0 and quantity.kind == "ratio"
        return UNKNOWN if unknown else f"at least {number(reading.low)}"
    return f"at most {number(reading.high)}"


def each(reading: Reading, quantity: Quantity) -> str:
    """A seed's reading as text: a number, "4.4 to 6.1", "at least 5"."""
    if reading.low == reading.high or not reading.bounded:
        return with_unit(reading_words(reading, quantity), quantity)
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
        text += interval_words(*verdict.interval)
    return f"{text}, {counts(verdict)}{' on one machine' if quantity.timed else ''}"


def interval_words(low: float, high: float) -> str:
    """The interval behind a median, as text; "" where it adds nothing to the median."""
    if math.isfinite(low) and math.isfinite(high):
        return f" ({number(low)} to {number(high)})" if number(low) != number(high) else ""
    if math.isfinite(low) or math.isfinite(high):
        return f" (from {number(low)})" if math.isfinite(low) else f" (up to {number(high)})"
    return ""


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
    """What a seed that speaks against the assertion shows: "below 1", "outside"."""
    if assertion.above is not None:
        return f"below {number(assertion.above)}"
    return f"above {number(assertion.below)}" if assertion.below is not None else "outside"


def speaks_for(assertion: Assertion, reading: Reading | None) -> str:
    """Which side of an assertion one seed's reading speaks for: "for", "against" or "-"."""
    if reading is None:
        return "-"
    lines = Lines.of(assertion, [reading])
    return "for" if lines.yes.k else "against" if lines.no.k else "-"


def reckoned(verdict: Verdict) -> str:
    """How a verdict came about, with its numbers."""
    lines = verdict.lines
    assert lines is not None
    side = lines.stronger
    enough = {family: needed(lines.n, family) for family in (1, verdict.family)}
    among = "in the ledger" if verdict.family == LEDGER else f"among {verdict.family}"
    told = ", ".join(
        f"{where} {k} of {lines.n}" if k is not None else f"{where} more than {lines.n} seeds"
        for where, k in (("by itself", enough[1]), (among, enough[verdict.family]))
    )
    return (
        f"{rule(verdict.assertion)}: {lines.yes.k} for, {lines.no.k} against, of {lines.n}; "
        f"E = {number(side.e)}; enough {told}: {verdict.word}"
    )


def parted(verdict: Verdict) -> str:
    """A warning where mean and median are on different sides of a line: a few seeds are far off."""
    quantity, assertion = verdict.quantity, verdict.assertion
    if quantity is None or verdict.lines is None or assertion.within or math.isnan(quantity.mean):
        return ""
    at = [Lines.of(assertion, [exact(value)]).yes.k for value in (quantity.centre, quantity.mean)]
    if at[0] == at[1]:
        return ""
    return f"the mean is {number(quantity.mean)}: rare seeds are unlike the typical one"


def chosen_in_words(choices: Choices) -> str:
    """What pilots chose, in a sentence."""
    parts = [
        f"{one.name} {key_name(one.key)} {value_name(one.value)}"
        + (f" ({', '.join(map(value_name, one.where.values()))})" if one.where else "")
        for one in choices.of_kind("choice")
    ]
    parts += [f"{one.name} {100 * one.value:.3g}%" for one in choices.of_kind("target")]
    return "; ".join(parts)


def seeds_in_words(entries: Sequence["Entry"]) -> str:
    """ "7 to 20 judged seeds"."""
    numbers = sorted({len(entry.seeds) for entry in entries if entry.verdicts})
    if not numbers:
        return "no seeds"
    span = f"{numbers[0]} to {numbers[-1]}" if len(numbers) > 1 else str(numbers[0])
    return f"{span} judged seeds"


def of_these_images(accuracy: float, images: int) -> str:
    """What the choice of test images leaves open, however many seeds: of two unlike nets' errors.

    The standard error of a difference of two accuracies; of nets that err on the same images it is
    smaller.
    """
    if not images or not 0 < accuracy < 1:
        return ""
    moved = 100 * math.sqrt(2 * accuracy * (1 - accuracy) / images)
    return (
        f"On these {images:,} test images: another draw of them would move a difference of two "
        f"accuracies by up to about {moved:.1f} points, in all seeds alike."
    )


def right_value(step: Step) -> str:
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
        are = "is" if decided == 1 else "are"
        parts.append(f"Of {len(total)} claims within reach {decided} {are} decided: {words}")
    if len(verdicts) > len(total):
        others = len(verdicts) - len(total)
        parts.append(f"{others} more are sizes from elsewhere, or cannot be decided here")
    if printed:
        parts.append(f"numbers and statements recomputed: {counted(printed)}")
    return "; ".join(parts) + "." if parts else "Nothing was measured."
