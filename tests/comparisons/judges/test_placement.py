from typing import Any

import pytest

from bnexp.comparisons.judges.placement import placements
from bnexp.runs.tables import Runs
from tests.comparisons.judges.tables import arm, make

ARMS = {  # name: norm, placement, learning rate, test accuracy, epoch at which the target is met
    "none": ("none", "before", 0.1, 0.90, 8),
    "before": ("batch", "before", 0.1, 0.95, 4),
    "after": ("batch", "after", 0.1, 0.955, 2),
    "after, too fast": ("batch", "after", 0.3, 0.99, 1),  # worse on the validation split
}


def sweep(missed: str = "") -> Runs:
    rows: list[dict[str, Any]] = []
    epochs = []
    for name, (norm, placement, rate, accuracy, epoch) in ARMS.items():
        rows += arm(
            name, model__norm=norm, model__placement=placement, optimizer__lr=rate, steps=200,
            test_accuracy=accuracy, val_accuracy=0.9 if rate == 0.3 else 0.96,
        )  # fmt: skip
        epochs += [
            {"run": f"{name} {seed}", "epoch": at, "step": 20 * at,
             "val_accuracy": 0.95 if at >= epoch and name != missed else 0.5}
            for seed in range(4)
            for at in range(11)
        ]  # fmt: skip
    return make(rows, epochs=epochs)


def test_after_less_before_in_points_at_the_best_rate() -> None:
    found = placements(sweep())
    assert found.quantities["mlp_after"].centre == pytest.approx(0.5)
    assert "+0.5 points (mlp)" in found.summary


def test_speed_against_no_norm() -> None:
    found = placements(sweep()).quantities
    assert found["mlp_before_speed"].centre == pytest.approx(2)
    assert found["mlp_after_speed"].centre == pytest.approx(4)


def test_a_missed_target_is_a_bound() -> None:
    found = placements(sweep(missed="none")).quantities["mlp_before_speed"]
    assert (found.centre, found.bound) == (pytest.approx(200 / 80), "least")


def test_models_are_judged_apart() -> None:
    runs = sweep()
    runs.runs["model.kind"] = "cnn"
    assert set(placements(runs).quantities) == {"cnn_after", "cnn_before_speed", "cnn_after_speed"}
