import pytest

from bnexp.comparisons.judges.initialisation import sensitivity
from bnexp.comparisons.readings import Reading
from tests.comparisons.judges.tables import arm, choices, make

SCALES = (0.0625, 0.25, 1.0, 4.0, 16.0)
CHOSEN = choices(best={"model.norm=none": 0.1, "model.norm=batch": 0.3, "model.norm=layer": 0.1})


def cells(norm, lr, accuracies, outcome="trained"):
    """One rate of an arm: test accuracy by scale."""
    rows = []
    for scale, accuracy in zip(SCALES, accuracies, strict=True):
        rows += arm(f"{norm} {lr} {scale}", outcome, model__norm=norm, optimizer__lr=lr,
                    model__init_scale=scale, test_accuracy=accuracy,
                    val_accuracy=accuracy)  # fmt: skip
    return rows


def test_each_scale_is_held_against_scale_one_at_the_chosen_rate():
    rows = cells("none", 0.1, (0.1, 0.8, 0.9, 0.9, 0.7)) + cells("none", 0.3, (0.9,) * 5)
    rows += cells("batch", 0.3, (0.9, 0.94, 0.95, 0.93, 0.86)) + cells("batch", 0.1, (0.2,) * 5)
    found = sensitivity(make(rows), CHOSEN)
    centre = {name: quantity.centre for name, quantity in found.quantities.items()}
    assert centre == pytest.approx(
        {"less_lost_0.0625": 75, "less_lost_0.25": 9, "trains_4": 0, "trains_16": 1}
    )
    assert "80.0 points without batch norm and 5.0 with it (scale 0.0625)" in found.summary
    assert len(found.table) == 10


def test_a_diverged_net_does_not_train_and_costs_what_nobody_knows():
    rows = cells("none", 0.1, (None,) * 5, "diverged") + cells("batch", 0.3, (0.9,) * 5)
    found = sensitivity(make(rows), CHOSEN).quantities
    assert found["trains_16"].readings[0] == Reading(1, 1)
    assert found["less_lost_0.25"].readings[0] == Reading(-100, 100)


def test_nothing_was_measured():
    found = sensitivity(make(cells("layer", 0.1, (0.9,) * 5)), CHOSEN)
    assert found.summary == "Nothing was measured"
    assert found.quantities["less_lost_0.25"].n == 0
