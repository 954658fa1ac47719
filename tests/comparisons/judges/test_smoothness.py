import math

import pytest

from bnexp.comparisons.judges.smoothness import along_the_gradient
from bnexp.runs.tables import Runs
from tests.comparisons.judges.measured import measured
from tests.comparisons.judges.tables import arm, choices, make

CHOSEN = choices(best={"model.norm=none": 0.1, "model.norm=batch": 1.0}, equal={"": 0.1})
ARMS = {  # (norm, rate): validation accuracy, loss range at two steps
    ("none", 0.1): (0.9, (2, 8)),
    ("none", 1.0): (0.5, (90, 90)),
    ("batch", 0.1): (0.9, (1, 1)),
    ("batch", 1.0): (0.95, (2, 2)),
}


def sweep() -> Runs:
    rows, measures = [], []
    for (norm, rate), (accuracy, ranges) in ARMS.items():
        name = f"{norm} {rate}"
        rows += arm(
            name, model__norm=norm, optimizer__lr=rate, val_accuracy=accuracy,
            test_accuracy=accuracy,
        )  # fmt: skip
        for seed in range(4):
            for step, value in enumerate(ranges):
                measures += measured(f"{name} {seed}", step=step, loss_range=value,
                                     gradient_range=3 * value, effective_smoothness=5)  # fmt: skip
            measures += measured(f"{name} {seed}", step=5, loss_range=math.inf)
    return make(rows, measures=measures)


def test_geometric_means_at_the_same_rate_and_at_the_best() -> None:
    found = along_the_gradient(sweep(), CHOSEN)
    centre = {name: quantity.centre for name, quantity in found.quantities.items()}
    assert centre == pytest.approx(
        {"loss_range_equal": 1 / 4, "gradient_range_equal": 1 / 4, "effective_smoothness_equal": 1,
         "loss_range_own": 2 / 4, "gradient_range_own": 2 / 4, "effective_smoothness_own": 1}
    )  # fmt: skip
    assert "at the learning rate 0.1 the range of the loss 0.25 times" in found.summary
    assert len(found.table) == 4


def test_an_arm_that_was_not_probed() -> None:
    runs = sweep()
    runs.__dict__["measures"] = runs.measures[~runs.measures["run"].str.startswith("none")]
    found = along_the_gradient(runs, CHOSEN)
    assert found.summary == "Nothing was measured"
    assert not any(quantity.n for quantity in found.quantities.values())
