import numpy as np
import pytest

from bnexp.comparisons.judges.running_statistics import simulated
from bnexp.comparisons.working import Working
from tests.comparisons.judges.rows import judged, value, verdicts, words


@pytest.fixture(scope="module")
def averages() -> Working:
    return judged("A10")


def test_the_batch_is_exact_by_the_biased_formula() -> None:
    working = judged("A8")
    assert words(working) == ["exact"] * 4
    assert value(working, "feature 1: sigma^2 by 1/(B - 1)") == pytest.approx(20 / 3)
    assert value(working, "x_hat of 1 by 1/(B - 1)") == pytest.approx(-3 / np.sqrt(20 / 3 + 1e-5))


def test_the_output_left_out() -> None:
    working = judged("A9")
    assert value(working, "x_hat_1") == pytest.approx(-2.2 / np.sqrt(4.80001))
    assert value(working, "x_hat_2") == pytest.approx(-2.1 / np.sqrt(4.90001))
    assert value(working, "x_hat_1 by the sample's own statistics") == 0


def test_the_updates_are_exact_and_the_end_is_rounded(averages: Working) -> None:
    found = dict(verdicts(averages))
    ends = {"2.5": found.pop("2.5"), "1.6": found.pop("1.6")}
    assert set(found) == {"0.23", "0.207", "0.27", "0.477", "1.05", "0.945", "0.18", "1.125"}
    assert set(found.values()) == {"exact"}
    assert set(ends.values()) == {"rounded"}


def test_the_simulated_spread_is_the_closed_form(averages: Working) -> None:
    for name, closed in (
        ("mu", np.sqrt(1.6 / 64 * 0.1 / 1.9)),
        ("sigma^2", 1.6 * np.sqrt(2 * 63 / 64**2 * 0.1 / 1.9)),
    ):
        assert value(averages, f"spread of running {name}, closed form") == pytest.approx(closed)
        drawn = value(averages, f"spread of running {name}, simulated")
        assert drawn == pytest.approx(closed, rel=0.1)
    assert value(averages, "batches until 90% of a change has arrived") == 22
    assert value(averages, "batches until 99% of a change has arrived") == 44


def test_without_memory_the_simulation_is_the_last_batch() -> None:
    means, variances = simulated(3.0, 4.0, keep=0.0)
    assert means.std(ddof=1) == pytest.approx(2 / 8, rel=0.1)
    assert variances.mean() == pytest.approx(4 * 63 / 64, rel=0.03)
