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


def test_the_updates_are_exact_and_the_assumed_end_is_not_judged(averages: Working) -> None:
    found = dict(verdicts(averages))
    assert set(found) == {"0.23", "0.207", "0.27", "0.477", "1.05", "0.945", "0.18", "1.125"}
    assert set(found.values()) == {"exact"}


def test_where_the_running_variance_ends_depends_on_the_batch_size(averages: Working) -> None:
    ends = {8: 1.4, 16: 1.5, 32: 1.55, 64: 1.575}
    for size, end in ends.items():
        label = f"where running sigma^2 ends, batches of {size}"
        assert value(averages, label) == pytest.approx(end)
    drawn = value(averages, "running sigma^2 after 1000 batches, simulated")
    assert drawn == pytest.approx(ends[64], rel=0.01)


def test_a_variance_is_no_standard_deviation() -> None:
    working = judged("A20")
    assert words(working) == ["erratum", "erratum"]
    assert value(working, "batch with mu 2.3: std where the variance is 1.5") == pytest.approx(
        1.5**0.5
    )


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
