import math
from typing import Any

import pandas as pd
import pytest

from bnexp.comparisons.choices import Choices
from bnexp.comparisons.judges.activations import apart, distributions, outside
from bnexp.runs.tables import Runs
from tests.comparisons.judges.tables import arm, make


def statistics(run: str, step: int, layer: int, mean: float, std: float) -> dict[str, Any]:
    tensor = "pre_activation"
    return {"run": run, "step": step, "index": layer, "tensor": tensor, "mean": mean, "std": std}


def two_arms(outcome: str = "trained") -> Runs:
    """Without norm layer 2 has mean 7 + seed / 10 and std 4, layer 1 mean 0 and std 2."""
    rows = arm("plain", outcome, model__norm="none") + arm("bn", model__norm="batch")
    activations, histograms = [], []
    for seed in range(4):
        for step in (0, 100, 400):
            far = 1.0 if step == 100 else 50.0  # only step 100 counts
            activations += [
                statistics(f"plain {seed}", step, 1, 0.0, 2.0 * far),
                statistics(f"plain {seed}", step, 2, (7.0 + seed / 10) * far, 4.0 * far),
                statistics(f"bn {seed}", step, 1, 0.1 * far, 1.0 * far),
                statistics(f"bn {seed}", step, 2, -0.2 * far, 0.8 * far),
            ]
            histograms += [
                {"run": f"{name} {seed}", "step": step, "index": layer, "tensor": "pre_activation",
                 "low": -4.0, "high": 4.0, "counts": counts}
                for name in ("plain", "bn")
                for layer, counts in ((1, "0 1 1 0"), (2, "1 1 1 1"))
            ]  # fmt: skip
    return make(rows, activations=activations, histograms=histograms)


def test_layer_two_without_norm() -> None:
    found = distributions(two_arms(), Choices()).quantities
    assert [r.low for r in found["shift"].readings.values()] == pytest.approx([7, 7.1, 7.2, 7.3])
    assert found["wider"].centre == pytest.approx(2)
    assert found["width"].centre == pytest.approx(4)


def test_each_layer_has_its_own_quantities_with_batch_norm() -> None:
    found = distributions(two_arms(), Choices()).quantities
    assert found["batch_centre_1"].centre == pytest.approx(0.1)
    assert found["batch_centre_2"].centre == pytest.approx(0.2)
    assert found["batch_width_2"].centre == pytest.approx(1 / 0.8)
    assert found["batch_inside_1"].centre == pytest.approx(100)
    assert found["batch_inside_2"].centre == pytest.approx(75)  # even from -4 to 4


def test_layers_are_further_apart_without_norm() -> None:
    found = distributions(two_arms(), Choices()).quantities["spread"]
    plain = math.hypot(7, 2) / 3
    normed = math.hypot(0.3, 0.2) / 0.9
    assert found.readings[0].low == pytest.approx(plain / normed)


def test_layers_1_and_2_are_held_against_each_other() -> None:
    mean, std = pd.DataFrame([{1: 0.0, 2: 3.0, 3: 99.0}]), pd.DataFrame([{1: 1.0, 2: 5.0, 3: 9.0}])
    assert apart(mean, std)[0] == pytest.approx(math.hypot(3, 4) / 3)


def test_runs_at_chance_level_count_and_diverged_ones_do_not() -> None:
    assert distributions(two_arms("not trained"), Choices()).quantities["shift"].n == 4
    assert distributions(two_arms("diverged"), Choices()).quantities == {}


@pytest.mark.parametrize(
    ("low", "high", "counts", "share"),
    [
        (-6.0, 6.0, "1 1 1 1", 0.5),
        (-3.0, 3.0, "4 4", 0.0),
        (3.5, 9.0, "1 2", 1.0),
        (-4.0, 2.0, "3 1 1", 0.3),
    ],
)
def test_share_outside_three(low: float, high: float, counts: str, share: float) -> None:
    assert outside(low, high, counts) == pytest.approx(share)
