import numpy as np
import pytest
import torch

from bnexp.comparisons.config import load
from bnexp.comparisons.judges.transcript import standardised, within_reach
from bnexp.comparisons.working import Step, step_verdict
from bnexp.measurements import handwritten, random_stream
from bnexp.norms.manual import ManualBatchNorm
from tests.comparisons.judges.rows import judged, measured_by, value, words

RIGHT = {
    "input mean, feature 1": "rounded",
    "input mean, feature 2": "rounded",
    "input mean, feature 3": "exact",
    "running mean, feature 1": "rounded",
    "running mean, feature 2": "rounded",
    "running mean, feature 3": "rounded",
}


def test_six_of_thirty_numbers_are_right() -> None:
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
    assert "running mean, feature 2" not in explains
    assert explains["running var, feature 3"].startswith("1 + 0.01 x the printed std^2")
    assert "input std, feature 1" not in explains


def test_what_the_digits_of_the_input_allow_is_no_erratum() -> None:
    steps = {step.label: step for step in judged("A11").steps}
    step = steps["running mean, feature 2"]
    assert step.excuse == "the input's own digits"
    assert step.reach == pytest.approx((step.value - 5e-6, step.value + 5e-6), abs=1e-12)
    # no input that prints so has the printed std: 1.1910 is far outside of its reach
    low, high = steps["input std, feature 1"].reach or (0, 0)
    assert low < steps["input std, feature 1"].value < high
    assert not low <= 1.1910 <= high


def test_the_range_of_a_number_is_that_over_random_inputs_too() -> None:
    x = np.array([0.1288, -1.1229, -0.5516, 0.5638])
    step = within_reach(Step("", 0.0), x, lambda f: standardised(f)[..., 1])
    low, high = step.reach or (0, 0)
    inputs = x + np.random.default_rng(1).uniform(-5e-5, 5e-5, (20_000, 4))
    values = standardised(inputs)[:, 1]
    assert low <= values.min()
    assert values.max() <= high
    assert high - low < 2 * np.ptp(values)


def test_which_rows_are_a_seeds_stream_is_read_off_the_generator() -> None:
    [check] = load("A11").measurements
    runs = measured_by((check.name, check.options, random_stream.measure(0, **check.options)))
    [note] = [note for note in judged("A11", runs).notes if "seed" in note]
    torch.manual_seed(42)
    first = [[f"{v:.4f}" for v in row] for row in torch.randn(5, 3).tolist()]
    assert first[:2] == load("A11").inputs["x"][:2]
    assert first[2] != load("A11").inputs["x"][2]
    assert "seed 42 come row 1 and row 2" in note
    assert "not row 3, row 4 and the inference input" in note


def test_the_hand_written_layer_learns_nothing() -> None:
    runs = measured_by(("handwritten", {}, handwritten.measure(0)))
    working = judged("A19", runs)
    assert words(working) == ["erratum"]
    assert value(working, "numbers that an optimizer would be given") == 0
    assert value(working, "gamma gets a gradient, 1 is yes") == 0
    assert value(working, "the same in PyTorch's layer") == 1
    assert value(working, "largest difference of the outputs") < 1e-5
    biased = value(working, "running variance, by 1/B")
    unbiased = value(working, "running variance of PyTorch's layer")
    assert biased / unbiased == pytest.approx(7 / 8, rel=1e-4)
