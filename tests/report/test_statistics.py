import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bnexp.report.statistics import (
    difference,
    first_time,
    holm,
    largest_stable,
    mean_band,
    mean_t,
    median_band,
    median_order,
    median_ranks,
    reached,
)

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
    found = difference(by_seed([1.0, 2.0, 3.0]), by_seed([2.0, 4.0, 6.0]))
    assert found.paired
    assert (found.n, found.mean) == (3, 2.0)
    assert found.effect == pytest.approx(2.0)  # differences 1, 2, 3: mean 2, sd 1
    assert found.p == pytest.approx(stats.ttest_rel([2, 4, 6], [1, 2, 3]).pvalue)
    assert found.low == pytest.approx(2 - 4.3026527 / math.sqrt(3))


def test_pairing_ignores_seeds_that_one_arm_lacks() -> None:
    full, part = by_seed([1.0, 2.0, 3.0, 9.0]), by_seed([2.5, 3.0, 5.0])
    assert difference(full, part) == difference(full[:3], part)


def test_disjoint_seeds_are_not_paired() -> None:
    a, b = by_seed([1.0, 2.0, 3.0]), by_seed([2.0, 3.0, 4.5], first=3)
    found = difference(a, b)
    assert not found.paired
    assert found.p == pytest.approx(stats.ttest_ind(b, a, equal_var=False).pvalue)
    pooled = math.sqrt((a.var() + b.var()) / 2)
    assert found.effect == pytest.approx((b.mean() - a.mean()) / pooled * (1 - 3 / 15))


def test_differences_without_scatter_or_runs() -> None:
    same = difference(by_seed([1.0, 2.0]), by_seed([1.0, 2.0]))
    assert (same.p, same.mean, same.effect) == (1.0, 0.0, 0.0)
    constant = difference(by_seed([1.0, 2.0]), by_seed([1.5, 2.5]))
    assert constant.mean == 0.5
    assert math.isnan(constant.p)
    assert math.isnan(difference(by_seed([]), by_seed([1.0, 2.0])).mean)


@given(SMALL, SMALL)
def test_exchanging_arms_turns_the_difference_over(a: list[float], b: list[float]) -> None:
    one, other = difference(by_seed(a), by_seed(b)), difference(by_seed(b), by_seed(a))
    assert one.mean == pytest.approx(-other.mean, nan_ok=True)
    assert one.p == pytest.approx(other.p, nan_ok=True)


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


def test_holm_counts_what_could_not_be_tested() -> None:
    adjusted = holm([0.01, math.nan])
    assert adjusted[0] == pytest.approx(0.02)
    assert math.isnan(adjusted[1])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_never_lowers_and_keeps_the_order(p: list[float]) -> None:
    adjusted = holm(p)
    assert all(after >= before for before, after in zip(p, adjusted, strict=True))
    assert [adjusted[i] for i in np.argsort(p)] == sorted(adjusted)


def test_a_missed_target_took_infinitely_long() -> None:
    times = reached([3.0, np.inf, 5.0])
    assert (times.k, times.n, times.when.centre) == (2, 3, 5.0)
    assert times.when.high == np.inf
    assert reached([]).n == 0


def evaluations(**curves: list[float]) -> pd.DataFrame:
    return pd.DataFrame(
        {"run": run, "epoch": epoch, "step": 20 * epoch, "val_accuracy": a, "train_loss": 1 - a}
        for run, curve in curves.items()
        for epoch, a in enumerate(curve)
    )


def test_a_level_is_reached_between_two_evaluations() -> None:
    epochs = evaluations(
        a=[0.1, 0.5, 0.9, 0.2], b=[0.1, 0.2], c=[0.8, 0.1], d=[0.0, math.nan, 0.7, 0.9]
    )
    expected = {"a": 1.25, "c": 0, "d": 2}  # c begins there; before d's there is nothing to read
    assert first_time(epochs, 0.6, "epoch").to_dict() == pytest.approx(expected)
    assert first_time(epochs, 0.6, "step")["a"] == pytest.approx(25)
    falling = first_time(epochs, 0.4, "epoch", "train_loss")
    assert falling.to_dict() == pytest.approx(expected)
    assert first_time(epochs, 0.5, "epoch")["a"] == 1  # at an evaluation: there
    assert first_time(epochs.iloc[:0], 0.5, "epoch").empty


@given(SMALL, st.floats(-1e3, 1e3))
def test_a_level_is_reached_after_the_last_evaluation_short_of_it(
    curve: list[float], level: float
) -> None:
    epochs = evaluations(a=curve)
    at = next((i for i, value in enumerate(curve) if value >= level), None)
    found = first_time(epochs, level, "epoch")
    assert (at is None) == found.empty
    if at:
        assert at - 1 <= found["a"] <= at


def test_the_largest_stable_rate_and_its_neighbours() -> None:
    assert largest_stable(pd.Series({0.1: 1.0, 0.3: 1.0, 1.0: 0.8})) == (0.3, 0.1, 1.0)
    assert largest_stable(pd.Series({0.1: 1.0, 0.3: 1.0})) == (0.3, 0.1, math.inf)
    assert largest_stable(pd.Series({0.1: 1.0, 0.3: 0.5})) == (0.1, 0.0, 0.3)
    assert largest_stable(pd.Series({0.1: 0.5})) is None
