import numpy as np
import pytest

from tests.comparisons.judges.rows import judged, measured_by, value, verdicts

REFUSED = measured_by(("counts", {"norm": "batch"}, [("batch", "refused", 1.0)]))
TAKEN = measured_by(("counts", {"norm": "batch"}, [("batch", "statistics", 4.0)]))


def test_pairs_are_right_to_their_digits() -> None:
    assert verdicts(judged("A13", REFUSED)) == [
        ("0", "exact"),
        ("5.5", "exact"), ("1.3", "exact"), ("-1.0", "rounded"), ("1.0", "rounded"),
        ("4.5", "exact"), ("1.4", "exact"), ("-1.0", "rounded"), ("1.0", "rounded"),
        ("different normalizations", "erratum"),
    ]  # fmt: skip


def test_a_pair_becomes_plus_and_minus_the_closed_form() -> None:
    working = judged("A13", REFUSED)
    closed = value(working, "x_hat of the pair [4.2, 6.8] in closed form")
    assert closed == pytest.approx(1 / np.sqrt(1 + 4e-5 / 2.6**2), rel=1e-12)
    assert value(working, "B = 2, [4.2, 6.8]: x_hat_1") == pytest.approx(-closed, rel=1e-12)


def test_whether_the_layer_refuses_is_read_off_the_measurement() -> None:
    label = "B = 1: PyTorch's layer refuses to train, 1 is yes"
    assert value(judged("A13", REFUSED), label) == 1
    assert value(judged("A13", TAKEN), label) == 0


def test_the_spread_of_32_follows_the_normal_and_the_chi_law() -> None:
    working = judged("A13", REFUSED)
    assert value(working, "B = 32: spread of mu_B, closed form") == pytest.approx(2 / np.sqrt(32))
    # mean of chi with 31 degrees of freedom: sqrt(2) Gamma(16) / Gamma(15.5), near sqrt(30.5)
    assert value(working, "B = 32: mean of sigma_B, chi law") == pytest.approx(
        2 * np.sqrt(30.5 / 32), rel=1e-3
    )
    for name in ("spread of mu_B", "mean of sigma_B", "spread of sigma_B"):
        law = "closed form" if "mu" in name else "chi law"
        drawn = value(working, f"B = 32: {name}, simulated")
        assert drawn == pytest.approx(value(working, f"B = 32: {name}, {law}"), rel=0.02)
    assert value(working, "B = 32: share as near as the printed batch, simulated") == pytest.approx(
        0.0042, abs=0.0012
    )
