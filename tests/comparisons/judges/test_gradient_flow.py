import math
from typing import Any

import pytest

from bnexp.comparisons.choices import Choices
from bnexp.comparisons.judges.gradient_flow import by_layer, decay, fall
from bnexp.report.theory import batch_norm_ratio
from bnexp.runs.tables import Runs
from tests.comparisons.judges.tables import arm, make

LAYERS = 10


def norms(run: str, step: int, ratio: float, weights: float = 1.0) -> list[dict[str, Any]]:
    """`ratio` is from a layer to the one below it; layer 11, the output, is out of line."""
    return [
        {
            "run": run,
            "step": step,
            "index": layer,
            "activation_gradient_norm": 99.0 if layer > LAYERS else 0.1 * ratio ** (LAYERS - layer),
            "weight_gradient_norm": weights,
        }
        for layer in range(1, LAYERS + 2)
    ]


def sweep() -> Runs:
    """Without norm 0.5 a layer, with it 1.1; after training 1.2; seed 3 off by a factor."""
    rows, gradients = [], []
    for activation in ("relu", "tanh", "sigmoid"):
        for norm, ratio, outcome in (("none", 0.5, "not trained"), ("batch", 1.1, "trained")):
            name = f"{norm} {activation}"
            rows += arm(name, outcome, model__norm=norm, model__activation=activation)
            for seed in range(4):
                here = ratio * (0.9 if seed == 3 else 1.0)
                gradients += norms(f"{name} {seed}", 0, here) + norms(f"{name} {seed}", 100, 1.2)
    rows += arm("he", "not trained", model__norm="none", model__init="he")
    gradients += [row for seed in range(4) for row in norms(f"he {seed}", 0, 1.0)]
    return make(rows, gradients=gradients)


def test_decay_over_nine_steps_by_seed() -> None:
    found = decay(sweep(), Choices()).quantities
    lows = [reading.low for reading in found["none_relu"].readings.values()]
    assert lows == pytest.approx([2**9] * 3 + [(0.5 * 0.9) ** -9])
    assert found["batch_tanh"].readings[0].low == pytest.approx(1.1**-9)
    assert found["none_relu_he"].centre == pytest.approx(1)
    assert found["batch_end"].centre == pytest.approx(1.2**-9)


def test_prediction_stands_beside_the_measurement_before_training() -> None:
    table = decay(sweep(), Choices()).table
    row = table[(table["norm"] == "batch") & (table["activation"] == "relu")]
    before, after = row.to_dict("records")
    assert before["predicted"] == pytest.approx(batch_norm_ratio("relu", 64) ** -9)
    assert math.isnan(after["predicted"])
    assert before["weight_gradient_last_over_first"] == pytest.approx(1)


def test_diverged_runs_count_before_training_only() -> None:
    rows = arm("good", model__norm="none", seeds=2) + [
        row | {"seed": 7, "run": "lost"}
        for row in arm("lost", "diverged", model__norm="none", seeds=1)
    ]
    gradients = [
        row
        for run in ("good 0", "good 1", "lost")
        for step in (0, 100)
        for row in norms(run, step, 0.5)
    ]
    runs = make(rows, gradients=gradients)
    assert list(by_layer(runs, runs.runs, 0).index) == [0, 1, 7]
    assert list(by_layer(runs, runs.runs, 100).index) == [0, 1]


def test_nothing_recorded_is_nothing_measured() -> None:
    runs = make(arm("none", model__norm="none"))
    assert fall(by_layer(runs, runs.runs, 0)).empty
    assert not any(quantity.n for quantity in decay(runs, Choices()).quantities.values())
