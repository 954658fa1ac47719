"""The example at its printed rate, and each norm at its own best rate."""

from typing import Any

import pytest

from bnexp.comparisons.judges.complete_example import as_printed_and_fair
from tests.comparisons.judges.tables import arm, make


def net(norm: str, test: float, lr: float, outcome: str = "trained") -> list[dict[str, Any]]:
    """Two runs, one with two points more."""
    accuracy = (test, test + 0.02)
    return arm(
        f"{norm} {lr}", outcome, seeds=2, model__norm=norm, optimizer__lr=lr,
        test_accuracy=accuracy, val_accuracy=accuracy,
    )  # fmt: skip


def test_printed_rate_and_best_rates() -> None:
    rows = [
        *net("none", 0.50, 0.1),
        *net("none", 0.90, 0.01),
        *net("batch", 0.94, 0.1),
        *net("batch", 0.92, 0.01),
        *net("layer", 0.95, 0.1),
    ]
    found = as_printed_and_fair(make(rows))
    centres = {name: quantity.centre for name, quantity in found.quantities.items()}
    assert centres == pytest.approx(
        {"batch_trains": 100, "none_trains": 100, "printed_rate": 44, "best_rate": 4, "layer": 1}
    )
    chosen = found.table[found.table["chosen"]]
    assert chosen.set_index("norm")["lr"].to_dict() == {"none": 0.01, "batch": 0.1, "layer": 0.1}


def test_runs_that_did_not_train_are_counted_and_not_averaged() -> None:
    lost = net("none", 0.1, 0.1, "not trained")
    found = as_printed_and_fair(make([*lost, *net("none", 0.9, 0.01), *net("batch", 0.94, 0.1)]))
    assert found.quantities["none_trains"].centre == 0
    assert found.quantities["printed_rate"].n == 0
    assert found.quantities["best_rate"].centre == pytest.approx(4)
    assert "0 of 2 runs train with no norm" in found.summary
    assert found.notes == ("Of 6 runs 2 ended at chance level; no average counts them.",)
