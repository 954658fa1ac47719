import pytest

from bnexp.comparisons.judges.initialisation import sensitivity
from tests.comparisons.judges.tables import arm, make

SCALES = (0.25, 1, 4)


def cells(norm, lr, accuracies, val=0.9):
    """One rate of an arm: test accuracy by scale, None where it did not train."""
    rows = []
    for scale, accuracy in zip(SCALES, accuracies, strict=True):
        outcome = "trained" if accuracy else "not trained"
        rows += arm(
            f"{norm} {lr} {scale}",
            outcome,
            model__norm=norm,
            optimizer__lr=lr,
            model__init_scale=scale,
            test_accuracy=accuracy or 0.1,
            val_accuracy=val,
        )
    return rows


def test_range_and_share_at_the_rate_that_is_best_at_scale_one():
    rows = cells("none", 0.1, (None, 0.9, 0.8)) + cells("none", 0.3, (0.9, 0.9, 0.9), val=0.5)
    rows += cells("batch", 0.1, (0.2, 0.2, 0.2), val=0.5) + cells("batch", 0.3, (0.5, 0.95, 0.93))
    found = sensitivity(make(rows))
    # where both train, at 1 and 4: 10 points and 2
    assert found.quantities["narrower_range"].centre == pytest.approx(8)
    assert found.quantities["more_scales"].centre == pytest.approx(100 / 3)
    assert "67% (no norm) and 100% (batch norm) trained" in found.summary
    assert "10.0 points without batch norm and 2.0 with it" in found.summary
    assert "4 ended at chance level" in found.notes[0]


def test_no_range_over_fewer_than_two_scales():
    rows = cells("none", 0.1, (None, 0.9, None)) + cells("batch", 0.3, (0.9, 0.9, 0.9))
    found = sensitivity(make(rows))
    assert found.quantities["narrower_range"].n == 0
    assert "ranges" not in found.summary


def test_nothing_trained():
    rows = cells("none", 0.1, (None, None, None)) + cells("batch", 0.1, (None, None, None))
    found = sensitivity(make(rows))
    assert found.quantities["more_scales"].centre == 0
    assert found.quantities["narrower_range"].n == 0
