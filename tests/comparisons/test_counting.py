"""Evidence against its closed form, against a bet that is played, and under null laws."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, special

from bnexp.comparisons.counting import (
    LEDGER,
    evidence,
    needed,
    power,
    prefix,
    seeds_for,
    soonest,
    undecided,
)
from bnexp.comparisons.readings import SILENT, Reading, exact
from scripts.simulate_protocol import LAWS, any_look, out_of_order

COUNTS = [(n, k) for n in range(1, 41) for k in range(n + 1)]


@pytest.mark.parametrize(("n", "k"), [(7, 7), (12, 11), (16, 14), (20, 19), (40, 33)])
def test_it_is_the_mixture_over_a_coins_bias(n: int, k: int) -> None:
    def wealth(p: float) -> float:
        return (2 * p) ** k * (2 - 2 * p) ** (n - k) / (math.pi * math.sqrt(p * (1 - p)))

    mixed = integrate.quad(wealth, 0, 1)[0]
    assert evidence(n, k) == pytest.approx(mixed, rel=1e-6)
    assert evidence(n, k) == pytest.approx(2**n * special.beta(k + 0.5, n - k + 0.5) / math.pi)


@given(st.lists(st.booleans(), min_size=1, max_size=60))
def test_it_is_what_a_bettor_has_who_stakes_what_was_seen_so_far(spoke: list[bool]) -> None:
    wealth, k = 1.0, 0
    for n, one in enumerate(spoke):
        p = (k + 0.5) / (n + 1)
        wealth *= 2 * (p if one else 1 - p)
        k += one
    expected = wealth if 2 * k > len(spoke) else 0.0
    assert evidence(len(spoke), k) == pytest.approx(expected, rel=1e-9)


def test_both_sides_are_alike_and_more_seeds_for_a_side_are_stronger() -> None:
    for n, k in COUNTS:
        closed = 2**n * special.beta(n - k + 0.5, k + 0.5) / math.pi
        if 2 * k > n:
            assert evidence(n, k) == pytest.approx(closed)
    for n in range(1, 41):
        values = [evidence(n, k) for k in range(n + 1)]
        assert all(a <= b for a, b in pairwise(values))


def test_ten_times_the_same_is_no_weaker_than_nine_and_a_silent_one() -> None:
    for n, k in COUNTS:
        assert evidence(n + 1, k) <= evidence(n, k)  # a silent seed never strengthens
        if k:
            assert evidence(n, k) >= evidence(n, k - 1)
    assert evidence(10, 10) > evidence(10, 9) > 0


def test_what_decides() -> None:
    assert [needed(n) for n in (6, 7, 12, 16)] == [None, 7, 11, 14]
    assert [needed(n, LEDGER) for n in (14, 15, 20, 25)] == [None, 15, 19, 23]


def test_a_supermartingale_bounds_its_one_sided_mixture() -> None:
    for n, k in COUNTS:  # the mixture over biases above 1/2 is never below E
        if 2 * k > n:
            upper = 2 * special.betaincc(k + 0.5, n - k + 0.5, 0.5)
            assert upper >= 1 - 1e-12


def test_later_seeds_wait_for_the_first_that_has_not_ended() -> None:
    assert prefix([10, 11, 12, 13], {10, 11, 13}) == [10, 11]
    assert prefix([10, 11], set()) == []


def test_the_interval_holds_the_lines_that_are_not_decided() -> None:
    seven = [exact(x) for x in (1, 2, 3, 4, 5, 6, 7)]
    assert undecided(seven) == (1, 7)
    assert undecided(seven[:6]) is None
    twelve = [exact(x) for x in range(12)]
    assert undecided(twelve) == (1, 10)  # 11 of 12 are beyond any line outside
    assert undecided([*seven[:6], SILENT]) == (-math.inf, math.inf)
    assert undecided([Reading(x, x + 1) for x in range(7)]) == (0, 7)


def test_power_and_the_seeds_that_it_needs() -> None:
    assert power(1.0, 15) == 1.0
    assert power(1.0, 14) == 0.0
    assert seeds_for(1.0) == 15
    assert seeds_for(0.5) is None
    p = 0.95
    assert power(p, 20) == pytest.approx(p**20 + 20 * p**19 * (1 - p))
    n = seeds_for(0.9)
    assert n is not None
    assert power(0.9, n) >= 0.8 > power(0.9, n - 1)


def test_the_soonest_look_is_where_further_seeds_could_decide() -> None:
    assert soonest(7, 7) == 15
    assert soonest(7, 6) == 20
    assert soonest(15, 8, most=20) is None


@pytest.mark.parametrize("law", LAWS)
def test_nothing_is_found_where_there_is_nothing(law: str) -> None:
    """Both sides together, at any look up to 20 seeds: at most 5%, by itself and in a ledger."""
    generator = np.random.default_rng(1)
    alone, ledger = any_look(LAWS[law], 2000, 20, generator)
    assert alone <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / 2000)
    assert ledger <= 0.05 / LEDGER + 3 * math.sqrt(0.05 / LEDGER / 2000)


def test_seeds_that_end_in_the_order_of_their_readings_decide_nothing_more() -> None:
    generator = np.random.default_rng(2)
    counted, naive = out_of_order(1000, 20, workers=8, generator=generator)
    assert counted <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / 1000)
    assert naive > 0.1  # what counting them as they end would do
