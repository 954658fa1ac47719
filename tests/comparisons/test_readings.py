"""Interval arithmetic: what is known of a ratio or a difference, and nothing more."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnexp.comparisons.readings import Reading, difference, exact, product, ratio, seed_by_seed

NEVER = Reading(20, math.inf)


@st.composite
def readings(draw: st.DrawFn) -> Reading:
    low = draw(st.floats(0, 100))
    return Reading(low, draw(st.one_of(st.floats(low, 1000), st.just(math.inf))))


def test_a_number_is_an_interval_of_no_width() -> None:
    assert ratio(exact(6), exact(3)) == exact(2)
    assert difference(exact(6), exact(3)) == exact(3)


def test_a_missed_target_leaves_a_ratio_open_on_its_side() -> None:
    assert ratio(NEVER, exact(4)) == Reading(5, math.inf)
    assert ratio(exact(4), NEVER) == Reading(0, 4 / 20)
    assert ratio(NEVER, NEVER) == Reading(0, math.inf)


def test_brackets_widen_a_ratio_on_both_sides() -> None:
    assert ratio(Reading(7, 8), Reading(1, 2)) == Reading(3.5, 8)
    assert ratio(Reading(0, 1), Reading(0, 1)) == Reading(0, math.inf)


def test_the_accuracy_of_a_diverged_run_is_anything() -> None:
    assert difference(exact(90), Reading(0, 100)) == Reading(-10, 90)
    assert difference(Reading(0, 100), Reading(0, 100)) == Reading(-100, 100)


def test_nothing_is_known_of_the_difference_of_two_open_ends() -> None:
    assert difference(NEVER, NEVER) == Reading(-math.inf, math.inf)


@given(readings(), readings())
def test_every_operation_holds_what_it_holds_of_the_numbers_inside(a: Reading, b: Reading) -> None:
    x, y = (min(r.low + 1, r.high) for r in (a, b))
    for operation, value in ((difference, x - y), (product, x * y)):
        found = operation(a, b)
        assert found.low <= value <= found.high
    if y > 0:
        found = ratio(a, b)
        assert found.low <= x / y * (1 + 1e-12)
        assert x / y <= found.high * (1 + 1e-12)


def test_a_reading_speaks_only_where_all_of_it_is_on_one_side() -> None:
    assert exact(2).above(1)
    assert not exact(1).above(1)
    assert not exact(1).below(1)
    assert Reading(0.5, 2).above(1) is Reading(0.5, 2).below(1) is False


@pytest.mark.parametrize("ends", [(2, 1), (math.nan, 1), (1, math.nan)])
def test_an_interval_has_its_lower_end_first(ends: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="low <= high"):
        Reading(*ends)


def test_arms_are_paired_by_seed() -> None:
    a, b = {3: exact(1), 1: exact(2)}, {1: exact(1), 2: exact(5)}
    assert seed_by_seed(difference, a, b) == {1: exact(1)}
