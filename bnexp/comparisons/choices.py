"""What pilots chose; a judge gets it together with the judged seeds' runs.

How pilots choose is in pilots.py.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

from bnexp.comparisons.measure import cell
from bnexp.report.labels import canonical

Kind = Literal["choice", "target", "ceiling", "bracket", "spread"]


@dataclass(frozen=True)
class Chosen:
    """One thing that pilots settled.

    `where` are the keys of the arm that it is for. A choice has the `value` of `key` and the
    validation accuracy there, `score`; a target its `value`; a bracket of a search its ends `low`
    and `high`; a ceiling is true or false; the spread of a quantity is its standard deviation over
    pilots (of a ratio on the logarithm), its `score` the centre.
    """

    kind: Kind
    name: str
    where: Mapping[str, Any] = field(default_factory=dict)
    key: str = ""
    value: Any = None
    score: float = math.nan
    low: float = math.nan
    high: float = math.nan

    def is_for(self, keys: Mapping[str, Any]) -> bool:
        """Whether these keys include those of its arm; further ones do not matter."""
        return all(
            canonical(keys.get(key)) == canonical(value) for key, value in self.where.items()
        )


@dataclass(frozen=True)
class Choices:
    """All that pilots settled for one comparison; keys are written like `optimizer__lr`."""

    entries: tuple[Chosen, ...] = ()

    def value(self, name: str, **keys: Any) -> Any:
        """The chosen value of the rule `name` for the arm of these keys."""
        return self.only("choice", name, **keys).value

    def score(self, name: str, **keys: Any) -> float:
        """The pilots' mean validation accuracy at the chosen value."""
        return self.only("choice", name, **keys).score

    def key(self, name: str) -> str:
        """The key whose value the rule chose."""
        return next(one.key for one in self.entries if (one.kind, one.name) == ("choice", name))

    def target(self, name: str = "target") -> float:
        """The validation accuracy to be reached."""
        return float(self.only("target", name).value)

    def hit(self, name: str) -> bool:
        """Whether the pilots hit the ceiling `name`."""
        return any(one.value for one in self.entries if (one.kind, one.name) == ("ceiling", name))

    def of_kind(self, kind: Kind, name: str | None = None) -> list[Chosen]:
        """All entries of a kind, or those of one rule."""
        return [one for one in self.entries if one.kind == kind and name in (None, one.name)]

    def chosen(self, rows: pd.DataFrame, name: str, **keys: Any) -> pd.DataFrame:
        """The rows of one arm at its chosen value; none where pilots chose nothing for it."""
        rows = cell(rows, **keys)
        wanted = {key.replace("__", "."): value for key, value in keys.items()}
        found = [one for one in self.of_kind("choice", name) if one.is_for(wanted)]
        if len(found) != 1:
            return rows.iloc[:0]
        return cell(rows, **{found[0].key: found[0].value})

    def only(self, kind: Kind, name: str, **keys: Any) -> Chosen:
        """The one entry for the arm of these keys. Raises LookupError."""
        wanted = {key.replace("__", "."): value for key, value in keys.items()}
        found = [one for one in self.of_kind(kind, name) if one.is_for(wanted)]
        if len(found) != 1:
            said = ", ".join(f"{key}={value}" for key, value in wanted.items())
            raise LookupError(
                f"the pilots settled {len(found)} of {kind} {name} for {said or '()'}"
            )
        return found[0]
