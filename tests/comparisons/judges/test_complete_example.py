"""The example at its printed rate, and each norm at the rate that pilots chose."""

from typing import Any

import pytest

from bnexp.comparisons.judges.complete_example import as_printed_and_fair
from tests.comparisons.judges.tables import arm, choices, make

BEST = {"none": 0.01, "batch": 0.1, "layer": 0.1, "group": 0.1}  # of 90% by validation
CHOSEN = choices(best={f"model.norm={norm}": lr for norm, lr in BEST.items()})


def net(norm: str, test: float, lr: float, outcome: str = "trained") -> list[dict[str, Any]]:
    """Two runs, one with two points more."""
    accuracy = (test, test + 0.02)
    return arm(
        f"{norm} {lr}", outcome, seeds=2, model__norm=norm, optimizer__lr=lr,
        test_accuracy=accuracy, val_accuracy=accuracy,
    )  # fmt: skip


def test_printed_rate_and_chosen_rates() -> None:
    rows = [
        *net("none", 0.84, 0.1),  # the second run comes to 86%: within 5 points of 90%
        *net("none", 0.90, 0.01),
        *net("batch", 0.94, 0.1),
        *net("layer", 0.95, 0.1),
    ]
    found = as_printed_and_fair(make(rows), CHOSEN)
    centres = {name: quantity.centre for name, quantity in found.quantities.items() if quantity.n}
    assert centres == pytest.approx(
        {"batch_trains": 1, "none_trains": 0.5, "printed_rate": 10, "best_rate": 4, "layer": 1}
    )
    assert "2 of 2 runs train with batch norm and 1 of 2 runs train with no norm" in found.summary
    assert found.table["form"].tolist() == ["printed"] * 3 + ["chosen"] * 3


def test_a_run_that_diverged_does_not_train_whatever_it_had() -> None:
    rows = [*net("none", 0.95, 0.1, "diverged"), *net("batch", 0.94, 0.1)]
    found = as_printed_and_fair(make(rows), CHOSEN).quantities
    assert [r.low for r in found["none_trains"].readings.values()] == [0, 0]
    assert found["printed_rate"].readings[0].low == pytest.approx(-6)
    assert found["best_rate"].n == 0
