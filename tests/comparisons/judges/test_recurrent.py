import pytest

from bnexp.comparisons.judges.recurrent import norms
from bnexp.comparisons.readings import Reading
from tests.comparisons.judges.tables import arm, choices, make


def test_differences_at_the_chosen_rate_of_each() -> None:
    rows = arm("none", model__norm="none", test_accuracy=0.90, val_accuracy=0.9)
    rows += arm("bn", model__norm="batch", test_accuracy=0.91, val_accuracy=0.9)
    rows += arm(
        "bn fast", model__norm="batch", test_accuracy=0.97, val_accuracy=0.8, optimizer__lr=1.0
    )
    rows += arm("ln", model__norm="layer", test_accuracy=(0.93, 0.94, 0.95, 0.96), val_accuracy=0.9)
    rows += arm(
        "rbn", "diverged", model__norm="recurrent_batch", test_accuracy=None, val_accuracy=None
    )
    best = {f"model.norm={norm}": 0.1 for norm in ("none", "batch", "layer", "recurrent_batch")}
    finding = norms(make(rows), choices(best=best))
    found = finding.quantities
    lows = [reading.low for reading in found["layer_over_batch"].readings.values()]
    assert lows == pytest.approx([2, 3, 4, 5])
    assert found["layer_over_none"].centre == pytest.approx(4.5)
    assert found["batch_over_none"].centre == pytest.approx(1)
    assert found["batch_over_recurrent"].readings[0] == Reading(-9, 91)  # diverged: anything
    assert "94.5% (layer norm)" in finding.summary
    assert "recurrent" not in finding.summary.partition(" is ")[2]
