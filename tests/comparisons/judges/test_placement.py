import math
from typing import Any

import pytest

from bnexp.comparisons.judges.placement import placements
from bnexp.comparisons.readings import Reading
from bnexp.runs.tables import Runs
from tests.comparisons.judges.tables import arm, choices, make

ARMS = {  # name: norm, placement, learning rate, test accuracy, epoch at which the target is met
    "none": ("none", "before", 0.1, 0.90, 8),
    "before": ("batch", "before", 0.1, 0.95, 4),
    "after": ("batch", "after", 0.1, 0.955, 2),
    "after, not chosen": ("batch", "after", 0.3, 0.99, 1),
}
BEST = {
    f"model.kind={kind} model.norm={norm} model.placement={placement}": 0.1
    for kind in ("mlp", "cnn")
    for norm, placement in (("none", "before"), ("batch", "before"), ("batch", "after"))
}
CHOSEN = choices(target=0.95, best=BEST)


def sweep(missed: str = "") -> Runs:
    rows: list[dict[str, Any]] = []
    epochs = []
    for name, (norm, placement, rate, accuracy, epoch) in ARMS.items():
        rows += arm(
            name, model__norm=norm, model__placement=placement, optimizer__lr=rate, steps=200,
            test_accuracy=accuracy, val_accuracy=0.9,
        )  # fmt: skip
        epochs += [
            {"run": f"{name} {seed}", "epoch": at, "step": 20 * at,
             "val_accuracy": 0.95 if at >= epoch and name != missed else 0.5}
            for seed in range(4)
            for at in range(11)
        ]  # fmt: skip
    return make(rows, epochs=epochs)


def test_after_less_before_in_points_at_the_chosen_rate() -> None:
    found = placements(sweep(), CHOSEN)
    assert found.quantities["mlp_after"].centre == pytest.approx(0.5)
    assert "+0.5 points (MLP)" in found.summary


def test_speed_against_no_norm_lies_between_evaluations() -> None:
    found = placements(sweep(), CHOSEN).quantities["mlp_after_speed"]
    assert found.readings[0] == Reading(140 / 40, 160 / 20)


def test_a_missed_target_is_a_bound() -> None:
    found = placements(sweep(missed="none"), CHOSEN).quantities["mlp_after_speed"]
    assert found.readings[0] == Reading(200 / 40, math.inf)


def test_models_are_judged_apart() -> None:
    runs = sweep()
    runs.runs["model.kind"] = "cnn"
    assert set(placements(runs, CHOSEN).quantities) == {"cnn_after", "cnn_after_speed"}
