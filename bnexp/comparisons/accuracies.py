"""Tables of accuracies: a row for each arm, with its interval and what did not train."""

from typing import Any

import pandas as pd

from bnexp.comparisons.finding import Quantity
from bnexp.comparisons.measure import accuracies, differences
from bnexp.report.labels import number
from bnexp.report.statistics import arm_accuracy


def by_norm(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The runs of each norm, by its name."""
    return {str(norm): arm for norm, arm in rows.groupby("model.norm")}


def accuracy_row(arm: pd.DataFrame, name: str = "test_accuracy") -> dict[str, Any]:
    """Mean accuracy of the runs that trained, in percent, with the 95% interval; the others
    are counted.
    """
    found = arm_accuracy(arm, name)
    outcomes = arm["outcome"].value_counts()
    return {
        "n": found.n,
        "accuracy": 100 * found.centre,
        "low": 100 * found.low,
        "high": 100 * found.high,
        "not_trained": int(outcomes.get("not trained", 0)),
        "diverged": int(outcomes.get("diverged", 0)),
        "refused": int(outcomes.get("refused", 0)),
    }


def lead(arm: pd.DataFrame, rival: pd.DataFrame, name: str = "test_accuracy") -> Quantity:
    """Test accuracy of one arm minus that of another, in points by seed."""
    found = differences(accuracies(arm, name), accuracies(rival, name))
    return Quantity(found, unit="points")


def lost(rows: pd.DataFrame) -> tuple[str, ...]:
    """A sentence on runs that ended badly; no sentence where all trained."""
    rows = rows[rows["outcome"] != "refused"]
    outcomes = rows["outcome"].value_counts()
    parts = [
        f"{outcomes[outcome]} {words}"
        for outcome, words in (("not trained", "ended at chance level"), ("diverged", "diverged"))
        if outcome in outcomes
    ]
    return (f"Of {len(rows)} runs {' and '.join(parts)}.",) * bool(parts)


def points(value: float) -> str:
    """A difference in percentage points, with its sign."""
    value = round(value, 3) + 0.0  # no minus at nothing
    return f"{'+' if value > 0 else ''}{number(value)} points"
