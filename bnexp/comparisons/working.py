"""A calculation step by step, and whether what the source prints of it is right."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

Printed = Literal["exact", "rounded", "erratum"]


@dataclass(frozen=True)
class Step:
    """One line of a calculation: what is computed, from what, what the source prints.

    `printed` is the source's text of the number, so that its digits are known ("1.058"), and
    `line` where it stands in the source; None where the source prints nothing. `value` is the
    recomputed number. `formula` says which formula gave it, `working` shows it with the
    numbers put in. `explains` names a mistaken formula that gives the printed value,
    where one was found.

    Two things excuse a printed number that the full calculation does not give. `chains` are the
    values that it has by other orders of rounding, each rightly rounded to the digits that the
    source prints on the way, by name. `reach` is the range of its values over all inputs that
    print as the source's do.

    Where the source makes a statement in place of a number, `printed` are its words, `holds` says
    whether it is true, and `value` is the number that shows it.
    """

    label: str
    value: float
    printed: str | None = None
    formula: str = ""
    working: str = ""
    explains: str = ""
    line: int | None = None
    chains: Mapping[str, float] = field(default_factory=dict)
    reach: tuple[float, float] | None = None
    holds: bool | None = None

    @property
    def is_number(self) -> bool:
        """Whether the source prints a number here."""
        return self.printed is not None and self.holds is None

    @property
    def printed_value(self) -> float:
        """The printed number; NaN where none is printed."""
        return float(self.printed.replace(",", "")) if self.printed and self.is_number else np.nan

    @property
    def decimals(self) -> int:
        """Digits that are printed after the point, before any exponent."""
        return len((self.printed or "").strip().lower().partition("e")[0].partition(".")[2])

    @property
    def last_digit(self) -> float:
        """What a unit of the last printed digit is worth: 0.001 for "1.058"."""
        exponent = (self.printed or "").strip().lower().partition("e")[2]
        return float(10.0 ** (int(exponent or 0) - self.decimals))

    @property
    def excuse(self) -> str:
        """What makes the printed number right where the full calculation does not; "" if nothing.

        The name of an order of rounding, or "the input's own digits".
        """
        if not self.is_number or _rounds_to(self, self.value):
            return ""
        for name, value in self.chains.items():
            if _rounds_to(self, value):
                return name
        if self.reach is not None:
            low, high = self.reach
            nearest = min(max(self.printed_value, low), high)
            if _rounds_to(self, nearest):
                return "the input's own digits"
        return ""


@dataclass(frozen=True)
class Working:
    """What an arithmetic comparison computed, step by step, from the source's inputs."""

    summary: str
    steps: tuple[Step, ...]
    notes: tuple[str, ...] = ()


def step_verdict(step: Step) -> Printed:
    """Whether a printed number is exact, rounded (right to its printed digits), or an erratum.

    A statement is exact where it holds, else an erratum.
    """
    if step.holds is not None:
        return "exact" if step.holds else "erratum"
    if step.printed is None:
        return "exact"
    if math.isclose(step.printed_value, step.value, rel_tol=1e-9, abs_tol=1e-12):
        return "exact"
    return "rounded" if _rounds_to(step, step.value) or step.excuse else "erratum"


def _rounds_to(step: Step, value: float) -> bool:
    """Whether a value rounds to the printed number; halves go either way."""
    half = 0.5 * step.last_digit * (1 + 1e-6)  # and a hair for the computer's own rounding
    return abs(step.printed_value - value) <= half
