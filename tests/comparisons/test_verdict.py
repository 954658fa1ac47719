"""Verdicts by the rules, on numbers whose answer is plain."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bnexp.comparisons import Quantity, Step
from bnexp.comparisons.config import Assertion
from bnexp.comparisons.verdict import corrected, judge, raw_p, seeds_needed
from bnexp.comparisons.working import step_verdict


def assertion(**rule: object) -> Assertion:
    return Assertion(quantity="q", says="something", **rule)  # type: ignore[arg-type]


def ratio(*values: float, **more: object) -> Quantity:
    return Quantity(pd.Series(values), "ratio", **more)  # type: ignore[arg-type]


FASTER = assertion(above=1)
THREE_TO_FIVE = assertion(within=[3, 5])
CLOSE = [1.45, 1.5, 1.55, 1.5, 1.52]  # about 1.5, hardly any scatter


def verdict(rule: Assertion, quantity: Quantity, family: int = 1) -> str:
    return judge(rule, quantity, corrected([raw_p(rule, quantity)], family)[0]).word


def test_true_in_direction_and_false_in_size() -> None:
    assert verdict(FASTER, ratio(*CLOSE)) == "supported"
    assert verdict(THREE_TO_FIVE, ratio(*CLOSE)) == "contradicted"
    assert verdict(assertion(below=1), ratio(*CLOSE)) == "contradicted"
    assert verdict(assertion(within=[1.2, 2]), ratio(*CLOSE)) == "supported"


def test_an_interval_across_the_line_is_inconclusive() -> None:
    wide = ratio(0.5, 1.5, 2.0, 0.9, 1.4)
    found = judge(FASTER, wide, raw_p(FASTER, wide))
    assert (found.word, found.reason) == ("inconclusive", "the interval straddles the line")
    assert found.seeds_needed is not None
    assert found.seeds_needed > 5


def test_fewer_than_three_seeds_are_never_enough() -> None:
    found = judge(FASTER, ratio(10.0, 10.0), 0.0)
    assert (found.word, found.reason) == ("inconclusive", "only 2 seeds")


def test_what_passes_only_before_correction_is_inconclusive() -> None:
    quantity = ratio(1.1, 1.3, 1.2, 1.5, 1.25)
    assert verdict(FASTER, quantity, family=1) == "supported"
    assert verdict(FASTER, quantity, family=1000) == "inconclusive"
    adjusted = corrected([raw_p(FASTER, quantity)], 1000)[0]
    assert judge(FASTER, quantity, adjusted).reason == "only before Holm's correction"


def test_a_missed_target_leaves_only_what_its_bound_allows() -> None:
    at_least = ratio(*CLOSE, bound="least")
    assert verdict(FASTER, at_least) == "supported"  # the truth lies further up
    assert verdict(THREE_TO_FIVE, at_least) == "inconclusive"  # and may lie in 3 to 5
    assert verdict(assertion(within=[0.5, 1.2]), at_least) == "contradicted"
    at_most = ratio(*CLOSE, bound="most")
    assert verdict(FASTER, at_most) == "inconclusive"
    assert verdict(assertion(below=1), at_most) == "inconclusive"
    assert verdict(THREE_TO_FIVE, at_most) == "contradicted"


def test_facts_are_held_against_the_rule_as_they_are() -> None:
    assert verdict(assertion(equals=24), Quantity.fact(24)) == "supported"
    assert verdict(assertion(equals=24), Quantity.fact(23)) == "contradicted"
    assert verdict(assertion(within=[0, 10]), Quantity.fact(11)) == "contradicted"


def test_what_was_not_measured_has_no_verdict() -> None:
    assert judge(FASTER, None, math.nan).word == "not measured"
    assert judge(FASTER, ratio(), math.nan).word == "not measured"


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8), st.integers(0, 50))
def test_untested_assertions_count_in_the_family(p: list[float], others: int) -> None:
    alone = corrected(p, len(p))
    among = corrected(p, len(p) + others)
    assert all(b >= a - 1e-12 for a, b in zip(alone, among, strict=True))
    assert min(among) == pytest.approx(min(1, min(p) * (len(p) + others)))


def test_three_equal_readings_are_too_few() -> None:
    sixty = Quantity(pd.Series([60.0] * 3))
    found = judge(assertion(above=50), sixty, p_holm=1.0)
    assert (found.word, found.p) == ("inconclusive", 0.25)
    assert found.reason == "the same in every seed, but of too few seeds"
    needed = seeds_needed(assertion(above=50), sixty, multiplier=164)
    assert needed == 13
    assert Quantity(pd.Series([60.0] * needed)).p_against(50) * 164 < 0.05
    assert Quantity(pd.Series([60.0] * (needed - 1))).p_against(50) * 164 > 0.05


def test_seeds_needed_would_pass() -> None:
    values = np.array([0.4, -0.1, 0.5, 0.1, 0.3])
    quantity = Quantity(pd.Series(values))
    needed = seeds_needed(assertion(above=0), quantity, multiplier=10)
    assert needed is not None
    effect = values.mean() / values.std(ddof=1)
    for n, enough in ((needed, True), (needed - 2, False)):
        t = effect * math.sqrt(n)
        assert (2 * stats.t.sf(t, n - 1) < 0.005) == enough


@pytest.mark.parametrize(
    ("printed", "value", "word"),
    [
        ("0.56", 0.56, "exact"),
        ("1.1527", 1.15265, "rounded"),
        ("-0.456", -0.45638, "rounded"),
        ("1.058", 0.974, "erratum"),
        ("25,088", 25088, "exact"),
        ("1e-3", 0.00104, "rounded"),
        ("1e-3", 0.0016, "erratum"),
        ("0", 0.4, "rounded"),
        ("1.0", 1.06, "erratum"),
    ],
)
def test_printed_numbers(printed: str, value: float, word: str) -> None:
    assert step_verdict(Step("x", value, printed)) == word


def test_a_rule_is_exactly_one() -> None:
    with pytest.raises(ValueError, match="needs one of"):
        assertion(above=1, below=2)
    with pytest.raises(ValueError, match="needs one of"):
        assertion()
