"""A calculation step by step, and whether the source's printed numbers are right."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

Printed = Literal["exact", "rounded", "erratum"]


@dataclass(frozen=True)
class Step:
    """One line of a calculation: what is computed, from what, what the source prints.

    `printed` is the source's text of the number, so that its digits are known ("1.058"); None
    where the source prints nothing. `value` is the recomputed number. `formula` says which
    formula gave it, `working` shows the numbers put in, as a teacher would write them.
    `explains` names a mistaken formula that gives the printed value, where one was found.
    """

    label: str
    value: float
    printed: str | None = None
    formula: str = ""
    working: str = ""
    explains: str = ""

    @property
    def printed_value(self) -> float:
        """The printed number; NaN where nothing is printed."""
        return float(self.printed.replace(",", "")) if self.printed else np.nan

    @property
    def decimals(self) -> int:
        """Digits that are printed after the point, before any exponent."""
        return len((self.printed or "").strip().lower().partition("e")[0].partition(".")[2])

    @property
    def last_digit(self) -> float:
        """What a unit of the last printed digit is worth: 0.001 for "1.058"."""
        exponent = (self.printed or "").strip().lower().partition("e")[2]
        return float(10.0 ** (int(exponent or 0) - self.decimals))


@dataclass(frozen=True)
class Working:
    """What an arithmetic comparison computed, step by step, from the source's inputs."""

    summary: str
    steps: tuple[Step, ...]
    notes: tuple[str, ...] = ()


def step_verdict(step: Step) -> Printed:
    """Whether a printed number is exact, rounded (right to its printed digits), or an erratum."""
    if step.printed is None:
        return "exact"
    printed = step.printed_value
    if math.isclose(printed, step.value, rel_tol=1e-9, abs_tol=1e-12):
        return "exact"
    # half a unit of the last printed digit, and a hair for the computer's own rounding
    half = 0.5 * step.last_digit * (1 + 1e-6)
    return "rounded" if abs(printed - step.value) <= half else "erratum"
