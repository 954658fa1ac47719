from typing import Any

import pytest

from bnexp.comparisons.choices import Choices
from bnexp.comparisons.judges.settings import DEFAULT, lag, options, sigmoid_inputs
from bnexp.runs.tables import Runs
from tests.comparisons.judges.tables import arm, make


def one(name: str, accuracy: float, **change: Any) -> list[dict[str, Any]]:
    return arm(name, model__norm="batch", test_accuracy=accuracy, **DEFAULT | change)


def sweep() -> Runs:
    rows = [
        *one("default", 0.95),
        *one("slow", 0.94, model__norm_options__momentum=0.01),
        *one("quick", 0.955, model__norm_options__momentum=0.2),
        *one("eps", 0.952, model__norm_options__eps=0.001),
        *one("bf16", 0.93, precision="bf16"),
        *one("bf16 eps", 0.90, precision="bf16", model__norm_options__eps=0.001),
        *one("fixed", 0.92, model__norm_options__affine=False),
        *one("sigmoid", 0.91, model__activation="sigmoid"),
    ]
    epochs = [
        {"run": f"{name} {seed}", "epoch": epoch, "test_accuracy": 0.9 - gap * (epoch == 1),
         "test_accuracy_train_mode": 0.9}
        for name, gap in (("default", 0.1), ("slow", 0.5))
        for seed in range(4)
        for epoch in (0, 1, 2)
    ]  # fmt: skip
    activations = [
        {"run": f"{name} {seed}", "step": step, "index": layer, "tensor": "pre_activation",
         "mean": 0.0 if step == 0 else mean, "std": 1.0 if step == 0 else std,
         "p15": -1.0, "p85": 1.0}
        for name in ("sigmoid", "default")
        for seed in range(4)
        for step in (0, 400)
        for layer, mean, std in ((1, 0.0, 1.0), (2, 3.0, 4.0))
    ]  # fmt: skip
    return make(rows, epochs=epochs, activations=activations)


@pytest.mark.parametrize(
    ("name", "points"),
    [
        ("default_over_001", 1.0),
        ("default_over_02", -0.5),
        ("eps_fp32", 0.2),
        ("eps_bf16", -3.0),
        ("affine", 3.0),
        ("lag", 40.0),
    ],
)
def test_what_an_option_gains(name: str, points: float) -> None:
    assert options(sweep(), Choices()).quantities[name].centre == pytest.approx(points)


def test_lag_is_that_of_the_first_epoch() -> None:
    runs = sweep()
    slow = runs.runs[runs.runs["model.norm_options.momentum"] == 0.01]
    assert lag(runs, slow).tolist() == pytest.approx([50] * 4)


def test_root_mean_square_of_what_sigmoids_receive_at_the_end() -> None:
    runs = sweep()
    rows = runs.runs[runs.runs["model.activation"] == "sigmoid"]
    assert sorted(sigmoid_inputs(runs, rows)["rms"].unique()) == pytest.approx([1, 5])
    finding = options(runs, Choices())
    found = finding.quantities["sigmoid_input"].readings.values()
    assert [reading.low for reading in found] == pytest.approx([5] * 4)
    assert finding.notes[1].startswith("Sigmoids of layer 2: mean 3, std 4, ")


def test_runs_without_activations_leave_the_sigmoid_out() -> None:
    found = options(make(one("default", 0.95)), Choices())
    assert found.quantities["sigmoid_input"].n == 0
    assert found.quantities["affine"].n == 0
