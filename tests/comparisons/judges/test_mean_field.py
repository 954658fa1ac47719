from pathlib import Path
from typing import Any

import pytest

from bnexp import load_runs, train
from bnexp.comparisons.choices import Choices
from bnexp.comparisons.judges.gradient_flow import by_layer
from bnexp.comparisons.judges.mean_field import gradient_ratios, ratio_by_layer
from bnexp.report.theory import batch_norm_ratio, layer_norm_ratio
from tests.comparisons.judges.tables import arm, make

LAYERS = 10


def norms(run: str, ratio: float) -> list[dict[str, Any]]:
    """The middle layers follow the law; the first two and the last three do not."""
    return [
        {"run": run, "step": 0, "index": layer, "activation_gradient_norm": norm}
        for layer in range(1, LAYERS + 2)
        for norm in [ratio**-layer if 3 <= layer <= 8 else 1e6]
    ]


def test_measured_over_predicted_in_the_middle_layers() -> None:
    rows = arm("bn", "not trained", model__norm="batch", data__name="synthetic")
    rows += arm("ln", model__norm="layer", model__activation="tanh")
    law = {"bn": batch_norm_ratio("relu", 64), "ln": layer_norm_ratio("tanh")}
    gradients = [
        row
        for name, off in (("bn", 1.02), ("ln", 0.9))
        for seed in range(4)
        for row in norms(f"{name} {seed}", off * law[name])
    ]
    finding = gradient_ratios(make(rows, gradients=gradients), Choices())
    found = finding.quantities["gaussian_batch_relu"].readings.values()
    assert [reading.low for reading in found] == pytest.approx([1.02] * 4)
    assert finding.quantities["data_layer_tanh"].centre == pytest.approx(0.9)
    assert "2.0% on Gaussian inputs (batch relu) and 10.0% on data (layer tanh)" in finding.summary


def test_arms_without_a_prediction_are_left_out() -> None:
    rows = arm("in", model__norm="instance")
    assert gradient_ratios(make(rows), Choices()).quantities == {}


def test_a_real_net_follows_theory(tmp_path: Path) -> None:
    arms = [("none", "tanh"), ("batch", "relu"), ("layer", "sigmoid")]
    for norm, activation in arms:
        train(
            "data=synthetic", "data.shape=[256]", "data.samples=128", "data.batch_size=128",
            "model=mlp_deep", "model.widths=[256]", f"model.norm={norm}",
            f"model.activation={activation}", "training.max_steps=1", "probes=none",
            "probes.gradients={every:null,at:[0],end:false}", "runs_dir=runs",
            "training.save_weights=false",
        )  # fmt: skip
    found = gradient_ratios(load_runs(tmp_path / "runs"), Choices()).quantities
    for norm, activation in arms:
        ratio = found[f"gaussian_{norm}_{activation}"].centre
        assert ratio == pytest.approx(1, abs=0.12), (norm, activation)


def test_ratio_is_taken_towards_the_input() -> None:
    rows = arm("bn", model__norm="batch", seeds=1)
    runs = make(rows, gradients=norms("bn 0", 1.5))
    assert ratio_by_layer(by_layer(runs, runs.runs, 0))[0] == pytest.approx(1.5)
