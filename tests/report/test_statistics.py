import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bnexp.report.statistics import (
    Best,
    Reached,
    arm_accuracy,
    at_best,
    best_rate,
    bracket_ratio,
    contrast,
    mean_band,
    mean_t,
    median_band,
    median_order,
    median_ranks,
    reached,
    stable_rates,
    step_seconds,
    time_brackets,
)
from bnexp.report.statistics import by_seed as values_by_seed

SMALL = st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=12)


def test_mean_by_hand() -> None:
    estimate = mean_t([1.0, 2.0, 3.0, 4.0, 5.0])
    half = 2.7764451 * math.sqrt(2.5) / math.sqrt(5)  # t(0.975, 4)
    assert estimate.centre == 3
    assert estimate.low == pytest.approx(3 - half)
    assert estimate.high == pytest.approx(3 + half)


def test_one_value_has_no_interval() -> None:
    for method in (mean_t, median_order):
        estimate = method([0.7])
        assert (estimate.n, estimate.centre) == (1, 0.7)
        assert math.isnan(estimate.low)
    assert math.isnan(mean_t([]).centre)


def test_an_interval_ends_where_the_mean_must() -> None:
    estimate = mean_t([0.9, 1.0, 0.7], 0, 1)
    assert (estimate.high, estimate.centre) == (1, pytest.approx(0.8666667))
    assert estimate.low > 0


@pytest.mark.parametrize(("n", "rank", "level"), [(2, 1, 0.5), (5, 1, 0.9375), (6, 1, 0.96875)])
def test_median_ranks_of_few_runs(n: int, rank: int, level: float) -> None:
    assert median_ranks(n) == (rank, level)


@given(st.lists(st.floats(-1e3, 1e3), min_size=6, max_size=40, unique=True))
def test_median_interval_agrees_with_scipy(values: list[float]) -> None:
    estimate = median_order(values)
    test = stats.quantile_test(values, p=0.5).confidence_interval(0.95)
    assert (estimate.low, estimate.high) == (test.low, test.high)
    assert estimate.level >= 0.95
    assert estimate.centre == pytest.approx(np.median(values))


def test_a_median_of_infinities() -> None:
    estimate = median_order([1.0, np.inf, np.inf])
    assert estimate.centre == np.inf
    assert (estimate.low, estimate.high) == (1.0, np.inf)
    assert median_order([1.0, np.inf]).centre == np.inf


@given(st.integers(2, 9), st.integers(1, 4))
def test_bands_are_estimates_at_each_point(runs: int, points: int) -> None:
    curves = np.random.default_rng(runs * points).normal(size=(runs, points))
    for band, estimate in ((median_band, median_order), (mean_band, mean_t)):
        middle, low, high = band(curves)
        for point in range(points):
            one = estimate(curves[:, point])
            assert (middle[point], low[point], high[point]) == pytest.approx(
                (one.centre, one.low, one.high)
            )


def by_seed(values: list[float], first: int = 0) -> pd.Series:
    return pd.Series(values, index=range(first, first + len(values)))


def test_paired_difference_by_hand() -> None:
    found = contrast(by_seed([2.0, 4.0, 6.0]), by_seed([1.0, 2.0, 3.0]))
    assert (found.n, found.k, found.mean) == (3, 3, 2.0)
    half = 4.30265273 / math.sqrt(3)  # t(0.975, 2); differences 1, 2, 3: sd 1
    assert (found.low, found.high) == pytest.approx((2 - half, 2 + half))
    assert found.seeds == "3 of 3 seeds"


def test_only_shared_seeds_are_compared() -> None:
    found = contrast(by_seed([1.0, 2.0, 9.0]), by_seed([2.0, 2.5], first=1))
    assert (found.n, found.mean) == (2, pytest.approx((0.0 + 6.5) / 2))
    assert contrast(by_seed([1.0, 2.0]), by_seed([1.0], first=5)).seeds == ""


def test_seeds_are_counted_for_the_side_of_the_mean() -> None:
    found = contrast(by_seed([1.0, 1.0, 1.0, 5.0]), by_seed([2.0, 1.0, 0.0, 0.0]))
    assert (found.mean, found.seeds) == (1.25, "2 of 4 seeds")
    same = contrast(by_seed([1.0, 2.0]), by_seed([1.0, 2.0]))
    assert (same.mean, same.low, same.high, same.seeds) == (0, 0, 0, "2 of 2 seeds")
    assert contrast(by_seed([1.0]), by_seed([0.5])).seeds == "1 of 1 seed"


@given(SMALL, SMALL)
def test_exchanging_arms_turns_the_difference_over(a: list[float], b: list[float]) -> None:
    one, other = contrast(by_seed(a), by_seed(b)), contrast(by_seed(b), by_seed(a))
    assert one.mean == pytest.approx(-other.mean, nan_ok=True)
    assert (one.n, one.k) == (other.n, other.k)


def evaluations(**curves: list[float]) -> pd.DataFrame:
    return pd.DataFrame(
        {"run": run, "epoch": epoch, "step": 20 * epoch, "val_accuracy": a, "train_loss": 1 - a}
        for run, curve in curves.items()
        for epoch, a in enumerate(curve)
    )


def test_a_target_is_reached_between_evaluations() -> None:
    epochs = evaluations(
        a=[0.1, 0.5, 0.9, 0.2], b=[0.1, 0.2], c=[0.8, 0.1], d=[0.0, math.nan, 0.7, 0.9]
    )
    found = time_brackets(epochs, 0.6, "epoch")
    assert found.to_dict("index") == {
        "a": {"low": 1, "high": 2}, "c": {"low": 0, "high": 0}, "d": {"low": 0, "high": 2},
    }  # fmt: skip
    assert tuple(time_brackets(epochs, 0.6, "step").loc["a"]) == (20, 40)
    assert tuple(time_brackets(epochs, 0.4, "epoch", "train_loss").loc["a"]) == (1, 2)
    assert time_brackets(epochs.iloc[:0], 0.5, "epoch").empty


def test_half_of_the_runs_have_reached_a_target() -> None:
    brackets = pd.DataFrame(
        {"low": [0.0, 2.0, 4.0], "high": [1.0, 3.0, 5.0]}, index=["a", "b", "c"]
    )
    assert reached(brackets, ["a", "b", "c"]) == Reached(3, 3, 2, 3)
    assert reached(brackets, ["a", "b", "c", "d"]) == Reached(3, 4, 2, 3)  # missed: never
    assert reached(brackets, ["a", "d", "e"]) == Reached(1, 3, math.inf, math.inf)
    assert reached(brackets, []) == Reached(0, 0, math.inf, math.inf)


def tried(**accuracies: list[float | None]) -> pd.DataFrame:
    """Runs of one arm: rate to validation accuracies by seed, None where the run diverged."""
    return pd.DataFrame(
        [
            {
                "run": f"{rate}-{seed}", "seed": seed, "optimizer.lr": float(rate[1:]),
                "val_accuracy": value, "test_accuracy": value,
                "outcome": "diverged" if value is None
                else "trained" if value > 0.2 else "not trained",
            }
            for rate, values in accuracies.items()
            for seed, value in enumerate(values)
        ]
    )  # fmt: skip


def test_the_best_rate() -> None:
    runs = tried(**{"r.01": [0.7, 0.7], "r.1": [0.9, 0.8], "r1": [0.95, None]})
    found = best_rate(runs)
    assert found == Best(0.1, pytest.approx(0.85), (0.1,), "")
    assert set(at_best(runs)["optimizer.lr"]) == {0.1}
    assert best_rate(tried(**{"r.1": [0.1, None]})) is None
    assert at_best(tried(**{"r.1": [0.1, None]})).empty


def test_one_stray_run_is_never_the_best_rate() -> None:
    runs = tried(**{"r.01": [0.7, 0.7], "r.1": [0.9, 0.8], "r.37": [0.99]})
    found = best_rate(runs)
    assert found is not None
    assert found.value == 0.1


def test_of_equals_the_smaller_rate_wins() -> None:
    found = best_rate(tried(**{"r.1": [0.9, 0.9], "r.3": [0.9, 0.9], "r1": [0.5, 0.5]}))
    assert found == Best(0.1, 0.9, (0.1,), "low")


def test_rates_within_a_standard_error_are_one_plateau_and_its_middle_is_taken() -> None:
    runs = tried(
        **{"r.01": [0.5, 0.5], "r.1": [0.84, 0.86], "r1": [0.8, 0.9], "r3": [0.8, 0.92],
           "r10": [0.2, 0.3]}
    )  # fmt: skip
    found = best_rate(runs, plateau=True)  # the best, 3, has a standard error of 0.06
    assert found == Best(1.0, pytest.approx(0.85), (0.1, 1.0, 3.0), "")
    assert best_rate(runs).value == 3.0  # type: ignore[union-attr]
    ends = best_rate(runs[runs["optimizer.lr"] <= 3], plateau=True)
    assert ends is not None
    assert ends.edge == "high"


def test_stable_is_near_the_best_rate_not_only_finite() -> None:
    runs = tried(**{"r.1": [0.95, 0.95], "r.3": [0.91, 0.7], "r1": [0.89, 0.93], "r3": [None, 0.1]})
    found = stable_rates(runs)
    assert tuple(found.loc[0]) == (0.3, 1.0)
    assert tuple(found.loc[1]) == (0.1, 0.3)  # 1 is stable again, after a failure
    assert tuple(stable_rates(runs, best=0.85).loc[0]) == (1.0, 3.0)


def test_the_ends_of_the_grid_leave_bounds() -> None:
    found = stable_rates(tried(**{"r.1": [0.9, 0.1], "r.3": [0.9, 0.1]}), best=0.9)
    assert tuple(found.loc[0]) == (0.3, math.inf)
    assert tuple(found.loc[1]) == (0.0, 0.1)
    slow = stable_rates(tried(**{"r.01": [0.5], "r.1": [0.9], "r1": [0.2]}))
    assert tuple(slow.loc[0]) == (0.1, 1.0)  # the smallest only learns too slowly


def test_ratios_of_brackets() -> None:
    a = pd.DataFrame({"low": [1.0, 3.0, 0.0], "high": [3.0, math.inf, 0.1]})
    b = pd.DataFrame({"low": [0.1, 0.1, 0.0], "high": [0.3, 0.3, 0.1]})
    found = bracket_ratio(a, b)
    assert found["low"].tolist() == pytest.approx([1 / 0.3, 10, 0])
    assert found["high"].tolist() == pytest.approx([30, math.inf, math.inf])


def test_an_arm_of_two_runs_a_seed_is_refused() -> None:
    runs = pd.concat([tried(r1=[0.9]), tried(r1=[0.8])])
    with pytest.raises(ValueError, match="must be one arm"):
        values_by_seed(runs, "test_accuracy")
    assert arm_accuracy(runs).centre == pytest.approx(0.85)


def test_a_step_takes_training_time_only() -> None:
    runs = pd.DataFrame({"seconds_training": [2.0], "steps": [100], "seconds_total": [9.0]})
    assert step_seconds(runs).tolist() == [0.02]
