import pytest

from tests.comparisons.judges.rows import judged, value, verdicts, words


def test_the_values_follow_from_the_stated_statistics() -> None:
    working = judged("A1")
    assert words(working) == ["rounded"] * 5
    assert value(working, "x_hat_4") == pytest.approx(6.2 / 3.8)


def test_the_five_values_alone_have_another_mean_and_std() -> None:
    working = judged("A1")
    assert value(working, "mean of the 5 values alone") == pytest.approx(2.62)
    assert value(working, "their std by 1/B") == pytest.approx(3.9666, abs=1e-4)
    assert value(working, "their std by 1/(B - 1)") == pytest.approx(4.4347, abs=1e-4)


def test_x_comes_back_exactly_only_with_eps_in_gamma() -> None:
    working = judged("A2")
    assert verdicts(working) == [("y = x (identity)", "erratum")]
    assert value(working, "y with gamma = sigma_B, beta = mu_B") == pytest.approx(
        1.5 * 5e-6 / 1.15265, rel=1e-3
    )
    assert value(working, "y_1 with gamma = sqrt(sigma_B^2 + eps)") == pytest.approx(
        0.56, rel=1e-12
    )
    assert value(working, "y_1 with gamma = sigma_B") - 0.56 == pytest.approx(
        0.49 * 5e-6 / 1.15265, rel=1e-3
    )
    kept = value(working, "spread kept by gamma = sigma_B, where the variance equals eps")
    assert kept == pytest.approx(0.5**0.5)


def test_not_all_printed_neurons_have_std_1() -> None:
    working = judged("A18")
    assert words(working) == ["exact", "exact", "exact", "erratum", "exact", "exact"]
    assert value(working, "neuron 2: std of the printed x_hat") == pytest.approx(0.9081, abs=1e-4)
    assert value(working, "neuron 3: std of the printed x_hat") == pytest.approx(0.9781, abs=1e-4)
