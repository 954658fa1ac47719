"""What arms are compared by: how it is read off a run, and which values are better."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from bnexp.comparisons.finding import Kind, Quantity
from bnexp.comparisons.measure import (
    accuracies,
    column,
    differences,
    ratios,
    readings,
    searched,
    times_to,
)
from bnexp.comparisons.readings import Reading, Readings
from bnexp.errors import UserError
from bnexp.runs.tables import Runs

if TYPE_CHECKING:
    from bnexp.comparisons.choices import Choices

UNITS: dict[str, Literal["epoch", "seconds_training"]] = {
    "epochs_to": "epoch", "seconds_to": "seconds_training",
}  # fmt: skip
RESULTS = (  # columns of the records that are numbers
    "train_loss", "train_accuracy", "val_loss", "val_accuracy", "test_loss", "test_accuracy",
    "best_epoch", "best_val_accuracy", "test_accuracy_at_best", "steps", "epochs", "parameters",
    "seconds_training", "seconds_evaluation", "seconds_probing", "seconds_total",
    "samples_per_second", "saved_for_backward_bytes", "peak_memory_bytes",
)  # fmt: skip
SEARCH = "largest"  # the name of the search for the largest rate


@dataclass(frozen=True)
class Metric:
    """A metric as it was typed, and the column or the target that it stands for.

    `sign` is 1 where more of it is better, -1 where less is, 0 where nobody can say.
    """

    name: str
    column: str
    sign: int
    level: float = math.nan  # the target of a time

    @classmethod
    def of(cls, text: str, *, of_csv: bool = False) -> "Metric":
        """Read `metric=...`, which may be any column if a CSV is compared. Raises UserError."""
        name, colon, level = text.partition(":")
        if name in UNITS:
            if not re.fullmatch(r"0?\.\d+", level):
                raise UserError(f"metric={text}: must name an accuracy, such as {name}:0.9")
            if not 0 < float(level) < 1:
                raise UserError(f"metric={text}: the accuracy must be above 0 and below 1")
            return cls(text, "val_accuracy", -1, float(level))
        named = {"accuracy": "test_accuracy", "loss": "test_loss"}.get(text, text)
        if text == "largest_lr":
            return cls(text, "optimizer.lr", 1)
        if colon or (named not in RESULTS and not of_csv):
            known = ["accuracy", "loss", "epochs_to:A", "seconds_to:A", "largest_lr", *RESULTS]
            near = get_close_matches(text, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
            raise UserError(f"metric={text}: no such metric; {hint}")
        sign = 1 if "accuracy" in named else -1 if "loss" in named else 0
        return cls(text, named, sign)

    @property
    def is_time(self) -> bool:
        """Whether it is the time at which a target is reached."""
        return not math.isnan(self.level)

    @property
    def is_timed(self) -> bool:
        """Whether it is read off a clock, so that runs must be alone on the machine."""
        return self.name.startswith("seconds") or self.column.startswith(("seconds", "samples_"))

    @property
    def is_search(self) -> bool:
        """Whether it is a rate that bisection looks for."""
        return self.name == "largest_lr"

    @property
    def is_accuracy(self) -> bool:
        """Whether it is an accuracy, in percent and points."""
        return "accuracy" in self.column and not self.is_time

    @property
    def kind(self) -> Kind:
        """How two arms are compared: by a difference, or by a ratio."""
        return "ratio" if self.is_time or self.is_search else "value"

    @property
    def unit(self) -> str:
        """The unit of the difference between two arms."""
        if self.kind == "ratio":
            return "x"
        return "points" if self.is_accuracy else "nats" if "loss" in self.column else ""

    @property
    def rule(self) -> dict[str, float]:
        """The side of the line on which an arm is better than the control."""
        if self.kind == "ratio":
            return {"above": 1.0}
        return {"below": 0.0} if self.sign < 0 else {"above": 0.0}

    @property
    def title(self) -> str:
        """What a table calls an arm's own value."""
        if self.is_time:
            return f"{self.name.partition('_')[0]} to {100 * self.level:.4g}%"
        if self.is_search:
            return "largest learning rate"
        return self.column.replace("_", " ") + (", %" if self.is_accuracy else "")

    @property
    def words(self) -> tuple[str, str]:
        """What an arm is called if seeds speak for it, and against it: "better", "worse"."""
        if self.is_time:
            return "faster", "slower"
        if self.is_search:
            return "stable at larger rates", "stable at smaller rates only"
        return ("better", "worse") if self.sign else ("higher", "lower")

    def read(
        self, runs: Runs, rows: pd.DataFrame, choices: "Choices", arm: Mapping[str, Any]
    ) -> Readings:
        """One arm's value by seed; `rows` are its runs at its rate."""
        if self.is_search:
            return searched(runs.runs, choices, SEARCH, **arm)
        if self.is_time:
            unit = UNITS[self.name.partition(":")[0]]
            return times_to(runs, rows, self.level, unit, self.column)
        if self.is_accuracy:
            return accuracies(rows, self.column)
        found = dict(readings(column(rows, self.column)))
        if self.sign < 0:
            diverged = rows.loc[rows["outcome"] == "diverged", "seed"].astype(int)
            found |= dict.fromkeys(diverged, Reading(0.0, math.inf))
        return found

    def against(self, arm: Readings, control: Readings) -> Quantity:
        """Two arms paired by seed: the difference, or the factor by which the arm is better."""
        if self.kind == "value":
            return Quantity(differences(arm, control), unit=self.unit, timed=self.is_timed)
        pair = (control, arm) if self.is_time else (arm, control)
        return Quantity(ratios(*pair), "ratio", "x", self.is_timed)
