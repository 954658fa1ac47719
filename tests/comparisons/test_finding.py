"""Quantities against closed forms and against scipy called another way."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from bnexp.comparisons import Quantity

VALUES = st.lists(st.floats(0.01, 100), min_size=3, max_size=12)


def test_a_ratio_is_a_geometric_mean_with_an_interval_on_the_logarithm() -> None:
    quantity = Quantity(pd.Series([2.0, 4.0, 8.0]), "ratio")
    assert quantity.centre == pytest.approx(4)
    half = stats.t.ppf(0.975, 2) * math.log(2) / math.sqrt(3)
    assert quantity.interval == pytest.approx((4 * math.exp(-half), 4 * math.exp(half)))


@given(VALUES)
def test_the_interval_holds_the_line_exactly_where_p_is_above_5_percent(
    values: list[float],
) -> None:
    assume(max(values) > 1.001 * min(values))  # equal ones have an interval of no width
    quantity = Quantity(pd.Series(values), "ratio")
    low, high = quantity.interval
    assert quantity.p_against(low) == pytest.approx(0.05, rel=1e-4)
    assert quantity.p_against(high) == pytest.approx(0.05, rel=1e-4)
    assert quantity.p_against(math.sqrt(low * high)) > 0.05


@given(VALUES, st.floats(1.1, 4))
def test_a_grid_widens_the_interval_by_its_spacing_and_raises_p(
    values: list[float], grid: float
) -> None:
    sharp = Quantity(pd.Series(values), "ratio")
    read_off = Quantity(pd.Series(values), "ratio", grid=grid)
    assert read_off.interval[0] == pytest.approx(sharp.interval[0] / grid)
    assert read_off.interval[1] == pytest.approx(sharp.interval[1] * grid)
    assert read_off.p_against(1.0) >= sharp.p_against(1.0)


def test_values_agree_with_scipys_one_sample_test() -> None:
    values = np.array([1.0, 1.3, 0.7, 2.0])
    quantity = Quantity(pd.Series(values))
    test = stats.ttest_1samp(values, 0.5)
    assert quantity.p_against(0.5) == pytest.approx(test.pvalue)
    assert quantity.interval == pytest.approx(tuple(test.confidence_interval(0.95)))
    assert quantity.effect(0.5) == pytest.approx((values.mean() - 0.5) / values.std(ddof=1))


def test_equal_values_have_the_p_value_of_the_sign_test() -> None:
    quantity = Quantity(pd.Series([3.0, 3.0, 3.0]), "ratio")
    assert quantity.p_against(1.0) == stats.binomtest(3, 3).pvalue == 0.25
    assert quantity.p_against(3.0) == 1
    assert Quantity(pd.Series([3.0, 3.0]), "ratio", grid=4).p_against(1.0) == 1


def test_a_share_has_the_exact_binomial_interval() -> None:
    quantity = Quantity(pd.Series([1, 1, 1, 1, 0]), "share")
    assert quantity.centre == 0.8
    low = stats.beta.ppf(0.025, 4, 2)
    high = stats.beta.ppf(0.975, 5, 1)
    assert quantity.interval == pytest.approx((low, high))


def test_nothing_is_made_of_values_that_are_not_there() -> None:
    assert Quantity(pd.Series([1.0, np.nan])).n == 1
    assert Quantity(pd.Series([1.0, np.inf, -1.0]), "ratio").n == 1
    empty = Quantity(pd.Series(dtype=float))
    assert math.isnan(empty.centre)
    assert math.isnan(empty.p_against(0))
    assert all(map(math.isnan, Quantity(pd.Series([1.0])).interval))


def test_a_fact_has_no_scatter() -> None:
    fact = Quantity.fact(7)
    assert (fact.centre, fact.interval) == (7, (7, 7))
    assert math.isnan(fact.p_against(3))
