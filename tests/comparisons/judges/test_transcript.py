import numpy as np
import pytest
import torch

from bnexp.comparisons.config import load
from bnexp.comparisons.working import step_verdict
from bnexp.norms.manual import ManualBatchNorm
from tests.comparisons.judges.rows import judged, value

RIGHT = {
    "input mean, feature 1": "rounded",
    "input mean, feature 2": "rounded",
    "input mean, feature 3": "exact",
    "running mean, feature 1": "rounded",
    "running mean, feature 3": "rounded",
}


def test_five_of_thirty_numbers_are_right() -> None:
    printed = [step for step in judged("A11").steps if step.printed is not None]
    found = {step.label: step_verdict(step) for step in printed}
    assert len(printed) == 30
    assert {label: word for label, word in found.items() if word != "erratum"} == RIGHT


def test_the_right_values_are_what_the_layer_computes() -> None:
    inputs, working = load("A11").inputs, judged("A11")
    x = torch.tensor([[float(v) for v in row] for row in inputs["x"]]).double()
    layer = ManualBatchNorm(3).double()
    y = layer(x).detach()
    for k in range(3):
        name = f"feature {k + 1}"
        assert value(working, f"input std, {name}") == pytest.approx(x[:, k].std().item())
        for i in range(4):
            assert value(working, f"output {i + 1}, {name}") == pytest.approx(y[i, k].item())
        assert value(working, f"output std, {name}") == pytest.approx(y[:, k].std().item())
        assert value(working, f"running mean, {name}") == pytest.approx(
            layer.running_mean[k].item(), rel=1e-6
        )
        var = x[:, k].var(unbiased=False).item()
        assert value(working, f"running var, {name}") == pytest.approx(0.9 + 0.1 * var)
        stored = layer.running_mean[k].item(), (0.9 + 0.1 * var)
        label = f"inference output by the right running statistics, {name}"
        by_hand = (float(inputs["test"][k]) - stored[0]) / np.sqrt(stored[1] + 1e-5)
        assert value(working, label) == pytest.approx(by_hand)


def test_the_output_std_is_root_of_four_thirds() -> None:
    assert value(judged("A11"), "output std, feature 1") == pytest.approx(np.sqrt(4 / 3), abs=1e-5)


def test_mistakes_that_give_the_printed_digits_are_named() -> None:
    explains = {step.label: step.explains for step in judged("A11").steps if step.explains}
    assert explains["output std, feature 2"].startswith("the std by 1/B")
    assert explains["running mean, feature 2"].startswith("0.1 x the printed, rounded mean")
    assert explains["running var, feature 3"].startswith("1 + 0.01 x the printed std^2")
    assert "input std, feature 1" not in explains
