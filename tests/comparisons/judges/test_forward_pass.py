import numpy as np
import pytest

from bnexp.comparisons.judges.forward_pass import common_divisor, neuron
from bnexp.comparisons.working import step_verdict
from tests.comparisons.judges.rows import judged, value, verdicts, words
from tests.comparisons.judges.tables import make


def test_the_product_is_exact() -> None:
    assert words(judged("A3")) == ["exact"] * 5


def test_means_after_relu_are_exact_and_stds_errata() -> None:
    working = judged("A4")
    assert verdicts(working) == [
        ("1.1625", "exact"), ("0.963", "erratum"),
        ("0.86", "exact"), ("1.058", "erratum"),
        ("0.67", "exact"), ("0.604", "erratum"),
    ]  # fmt: skip
    for k, (biased, unbiased) in enumerate(
        [(0.9236, 1.0665), (0.9767, 1.1277), (0.5510, 0.6363)], 1
    ):
        assert value(working, f"neuron {k}: std") == pytest.approx(biased, abs=5e-5)
        assert value(working, f"neuron {k}: std by 1/(B - 1)") == pytest.approx(unbiased, abs=5e-5)
    assert not any(step.explains for step in working.steps)
    assert len(working.notes) == 3


def test_neuron_1_is_right_but_for_two_slips_on_the_way() -> None:
    working = judged("A5")
    exact, rounded, erratum = ["exact"], ["rounded"], ["erratum"]
    slips = erratum * 2
    assert words(working) == exact * 5 + rounded * 2 + slips + rounded * 4 + exact + rounded * 2 + (
        exact
    )
    assert value(working, "x_hat_4") == pytest.approx(-1.5 / np.sqrt(1.15266))
    assert [text for text, word in verdicts(working) if word == "erratum"] == ["1.1528", "1.0737"]
    explains = {step.label: step.explains for step in working.steps}
    assert explains["its root"].startswith("sqrt(1.1528) = 1.0736")


def test_a_right_order_of_rounding_excuses_a_number_and_a_wrong_one_does_not() -> None:
    inputs = {
        "z": ["1", "2", "4"], "mean": "2.333", "variance": ["1.6"],
        "x_hat": ["-1.054", "-0.264", "1.318"], "relu": ["0", "0", "1.318"],
        "lines": {"mean": 1, "variance": [1], "x_hat": 1, "relu": 1},
    }  # fmt: skip
    steps = {step.label: step for step in neuron(inputs, make([])).steps}
    # the variance is 1.5556, which prints as 1.6: by 1.6 the third is 1.3176, by 1.5556 1.3363
    assert step_verdict(steps["x_hat_3"]) == "rounded"
    assert steps["x_hat_3"].excuse == "from the variance as rightly rounded"
    wrong = inputs | {"variance": ["1.7"]}  # 1.7 is no rounding of 1.5556
    by_wrong = {step.label: step for step in neuron(wrong, make([])).steps}
    assert by_wrong["x_hat_3"].chains == steps["x_hat_3"].chains


def test_neuron_2_is_an_erratum_but_for_its_mean_and_zeros() -> None:
    working = judged("A6")
    assert verdicts(working) == [
        ("0.80", "rounded"), ("1.292", "erratum"),
        ("-0.908", "erratum"), ("0.061", "erratum"), ("1.451", "erratum"), ("-0.604", "erratum"),
        ("0", "exact"), ("0.061", "erratum"), ("1.451", "erratum"), ("0", "exact"),
    ]  # fmt: skip
    assert value(working, "mu_B") == pytest.approx(0.8025)
    assert value(working, "sigma_B^2") == pytest.approx(1.06266875)
    assert value(working, "x_hat_3") == pytest.approx(1.6475 / np.sqrt(1.06267875))
    assert "no single divisor" in working.notes[-1]
    explains = {step.label: step.explains for step in working.steps}
    assert explains["x_hat_1"].startswith("(x - mean) / sqrt(the printed variance + eps)")
    assert explains["x_hat_2"] == explains["ReLU(y_1)"] == ""  # unexplained; not wrong
    assert explains["ReLU(y_2)"] == "max(0, the printed x_hat) = 0.061"


def test_neuron_3_is_an_erratum_but_for_its_mean_and_zeros() -> None:
    working = judged("A7")
    assert verdicts(working) == [
        ("0.39", "exact"), ("0.954", "erratum"),
        ("1.084", "erratum"), ("-1.545", "erratum"), ("-0.051", "erratum"), ("0.512", "erratum"),
        ("1.084", "erratum"), ("0", "exact"), ("0", "exact"), ("0.512", "erratum"),
    ]  # fmt: skip
    assert value(working, "sigma_B^2") == pytest.approx(0.91405)
    assert "2 of the 4" in working.notes[-1]
    assert "ReLU(neuron 2) (0.95385)" in working.notes[0]


def test_the_common_divisor_is_found_or_found_missing() -> None:
    deviations = np.array([1.0, -3.0])
    low, high = common_divisor(deviations, ["0.50", "-1.50"])
    assert low < 2 < high
    low, high = common_divisor(deviations, ["0.50", "-1.60"])
    assert low > high
