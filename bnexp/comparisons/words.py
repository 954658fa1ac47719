"""Measured numbers, rules and verdicts as text."""

from collections import Counter
from collections.abc import Iterable

import numpy as np

from bnexp.comparisons.config import Assertion
from bnexp.comparisons.finding import Quantity
from bnexp.comparisons.run import Entry
from bnexp.comparisons.verdict import Verdict
from bnexp.comparisons.working import Step
from bnexp.report.labels import number

ORDER = (
    "supported", "contradicted", "inconclusive", "exact", "rounded", "erratum", "not measured",
)  # fmt: skip


def measured(quantity: Quantity | None) -> str:
    """ "3.2x [2.1, 4.9], n = 5", with "at least" where a target was missed."""
    if quantity is None or not quantity.n:
        return "not measured"
    unit = quantity.unit if quantity.unit[:1] in ("", "x", "%") else f" {quantity.unit}"
    bound = {"": "", "least": "at least ", "most": "at most "}[quantity.bound]
    low, high = quantity.interval
    centre = quantity.centre
    if abs(centre) < 1e-3 * (high - low):
        centre = 0.0  # but for the computer's rounding
    text = f"{bound}{number(centre)}{unit}"
    if quantity.kind == "fact":
        return text
    interval = f" [{number(low)}, {number(high)}]" if np.isfinite([low, high]).all() else ""
    return f"{text}{interval}, n = {quantity.n}"


def right(step: Step) -> str:
    """The recomputed value with a digit more than the source prints."""
    if step.printed is None or not step.is_number:
        return number(step.value)
    kind = "e" if "e" in step.printed.lower() else "f"
    return f"{step.value:.{step.decimals + 1}{kind}}"


def rule(assertion: Assertion) -> str:
    """The rule in words: "above 1", "10 to 100", "exactly 0"."""
    if assertion.within is not None:
        return f"{number(assertion.within[0])} to {number(assertion.within[1])}"
    for name in ("above", "below", "equals"):
        line = getattr(assertion, name)
        if line is not None:
            return f"{'exactly' if name == 'equals' else name} {number(line)}"
    raise AssertionError(assertion)


def probability(p: float) -> str:
    """A p-value as text; empty where there is none."""
    if np.isnan(p):
        return ""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def why(verdict: Verdict) -> str:
    """Why a verdict is not plain, and how many seeds would settle it."""
    parts = [verdict.reason] if verdict.reason else []
    if verdict.seeds_needed is not None:
        parts.append(f"about {verdict.seeds_needed} seeds would settle it")
    return "; ".join(parts)


def counted(words: Iterable[str]) -> str:
    """ "2 supported, 1 contradicted"."""
    counts = Counter(words)
    return ", ".join(f"{counts[word]} {word}" for word in ORDER if counts[word])


def headline(entries: Iterable[Entry]) -> str:
    """The whole ledger in one sentence."""
    entries = list(entries)
    claims = counted(v.word for entry in entries for v in entry.verdicts)
    printed = [word for entry in entries for _, word in entry.printed]
    parts = [f"Assertions: {claims}"] if claims else []
    if printed:
        parts.append(f"printed numbers recomputed: {counted(printed)}")
    return "; ".join(parts) + "." if parts else "Nothing was measured."
