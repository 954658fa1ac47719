"""Calculations written out step by step: sums, means, variances, normalised values."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bnexp.comparisons.working import Step, step_verdict

EPS = 1e-5  # as the source's
Numbers = NDArray[np.float64]


def number(text: str) -> float:
    """A printed number, such as "25,088" or "-0.45"."""
    return float(text.replace(",", ""))


def numbers(texts: Iterable[str]) -> Numbers:
    """A printed list of numbers, (n,)."""
    return np.array([number(text) for text in texts])


def shown(value: float) -> str:
    """Six significant digits; what is left of 0 by rounding is 0."""
    return f"{value:.6g}" if abs(value) > 1e-12 else "0"


def added(values: ArrayLike) -> str:
    """0.56 + 2.31 - 0.45"""
    text = " + ".join(shown(value) for value in np.asarray(values, float))
    return text.replace("+ -", "- ")


def mean(
    label: str, x: Numbers, printed: str | None = None, explains: str = "", line: int | None = None
) -> Step:
    """The mean of x."""
    working = f"({added(x)}) / {len(x)} = {shown(x.sum())} / {len(x)} = {shown(x.mean())}"
    return Step(label, float(x.mean()), printed, "sum of x_i / B", working, explains, line)


def variance(
    label: str,
    x: Numbers,
    printed: str | None = None,
    ddof: int = 0,
    explains: str = "",
    line: int | None = None,
) -> Step:
    """The variance of x over B - ddof, its mean recomputed."""
    by = "B" if ddof == 0 else f"(B - {ddof})"
    squares = (x - x.mean()) ** 2
    value = float(squares.sum() / (len(x) - ddof))
    working = f"({added(squares)}) / {len(x) - ddof} = {shown(value)}"
    formula = f"sum of (x_i - mean)^2 / {by}"
    return Step(label, value, printed, formula, working, explains, line)


def root(
    label: str,
    square: Step,
    printed: str | None = None,
    explains: str = "",
    line: int | None = None,
) -> Step:
    """The standard deviation that belongs to a variance."""
    value = float(np.sqrt(square.value))
    working = f"sqrt({shown(square.value)}) = {shown(value)}"
    return Step(label, value, printed, f"sqrt({square.formula})", working, explains, line)


def normalised(
    label: str,
    x: float,
    centre: float,
    var: float,
    printed: str | None = None,
    line: int | None = None,
) -> Step:
    """(x - mean) / sqrt(var + eps)."""
    value = float((x - centre) / np.sqrt(var + EPS))
    difference = added([x, -centre])
    working = f"({difference}) / sqrt({shown(var)} + {EPS:g}) = {shown(value)}"
    return Step(label, value, printed, "(x - mean) / sqrt(var + eps)", working, line=line)


def given_by(printed: str, mistaken: Mapping[str, float]) -> str:
    """The first of the mistaken formulas whose value, rounded, is the printed number, or "".

    A formula that the number agrees with may still not be the one that the source used.
    """
    for formula, value in mistaken.items():
        if step_verdict(Step("", value, printed)) != "erratum":
            return f"{formula} = {shown(value)}"
    return ""


def explained(step: Step, mistaken: Mapping[str, float]) -> Step:
    """The step, with the mistaken formula that gives the printed number if it is an erratum."""
    if step.printed is None or step_verdict(step) != "erratum":
        return step
    return replace(step, explains=given_by(step.printed, mistaken))


def right(steps: Iterable[Step]) -> str:
    """How much of what is printed is right: "all 6 printed numbers are right"."""
    printed = [step for step in steps if step.printed is not None]
    words = [step_verdict(step) for step in printed]
    numbers = sum(step.is_number for step in printed)
    what = {0: "statements", len(printed): "printed numbers"}.get(
        numbers, "printed numbers and statements"
    )
    wrong = words.count("erratum")
    if not printed:
        return "nothing is printed"
    if not wrong:
        rounded = " to the digits printed" if "rounded" in words else ""
        return f"all {len(words)} {what} are right{rounded}"
    if len(words) == 1:
        return f"the {what[:-1]} is an erratum"
    kept = f"{len(words) - wrong} of {len(words)} {what} are right"
    return f"{kept}, {wrong} {'is an erratum' if wrong == 1 else 'are errata'}"


def stated(
    label: str, holds: bool, words: str, value: float, formula: str = "", line: int | None = None
) -> Step:
    """A statement of the source's, whether it holds, and the number that shows it."""
    return Step(label, value, words, formula, line=line, holds=holds)
