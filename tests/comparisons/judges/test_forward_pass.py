import numpy as np
import pytest

from bnexp.comparisons.judges.forward_pass import common_divisor
from tests.comparisons.judges.rows import judged, value, verdicts, words


def test_the_product_is_exact() -> None:
    assert words(judged("A3")) == ["exact"] * 5


def test_means_after_relu_are_exact_and_stds_errata() -> None:
    working = judged("A4")
    assert verdicts(working) == [
        ("1.1625", "exact"), ("0.963", "erratum"),
        ("0.86", "exact"), ("1.058", "erratum"),
        ("0.67", "exact"), ("0.604", "erratum"),
    ]  # fmt: skip
    for neuron, (biased, unbiased) in enumerate(
        [(0.9236, 1.0665), (0.9767, 1.1277), (0.5510, 0.6363)], 1
    ):
        assert value(working, f"neuron {neuron}: std") == pytest.approx(biased, abs=5e-5)
        assert value(working, f"neuron {neuron}: std by 1/(B - 1)") == pytest.approx(
            unbiased, abs=5e-5
        )
    assert not any(step.explains for step in working.steps)
    assert len(working.notes) == 3


def test_neuron_1_is_right_to_its_digits() -> None:
    working = judged("A5")
    exact, rounded = ["exact"], ["rounded"]
    assert words(working) == exact * 5 + rounded * 6 + exact + rounded * 2 + exact
    assert value(working, "x_hat_4") == pytest.approx(-1.5 / np.sqrt(1.15266))
    assert "1.1528 for" in working.notes[0]
    assert "1.0737 for" in working.notes[0]


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


def test_the_common_divisor_is_found_or_found_missing() -> None:
    deviations = np.array([1.0, -3.0])
    low, high = common_divisor(deviations, ["0.50", "-1.50"])
    assert low < 2 < high
    low, high = common_divisor(deviations, ["0.50", "-1.60"])
    assert low > high
