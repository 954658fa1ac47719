import pytest

from tests.comparisons.judges.rows import judged, value, words


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
    assert words(working) == ["rounded"] * 4 + ["exact"] * 4
    assert value(working, "y_1 with gamma = sigma_B") - 0.56 == pytest.approx(
        0.49 * 5e-6 / 1.15265, rel=1e-3
    )
    kept = value(working, "spread kept by gamma = sigma_B, where the variance equals eps")
    assert kept == pytest.approx(0.5**0.5)
