"""Verdicts from seeds whose readings are known."""

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bnexp.comparisons.config import Assertion
from bnexp.comparisons.counting import LEDGER
from bnexp.comparisons.finding import Quantity
from bnexp.comparisons.readings import Reading, exact
from bnexp.comparisons.verdict import Lines, Spread, Verdict, judge, reach
from bnexp.comparisons.words import counts, measured, parted, reckoned

SEEDS = range(20_000, 20_020)


def said(**rule: object) -> Assertion:
    return Assertion(quantity="q", says="it is", **rule)  # type: ignore[arg-type]


def verdict(assertion: Assertion, values: list[float | Reading | None], **more: object) -> Verdict:
    """The verdict on one value a seed; None is a silent seed."""
    readings = {
        seed: value if isinstance(value, Reading) else exact(value)
        for seed, value in zip(SEEDS, values, strict=False)
        if value is not None
    }
    kind = more.pop("kind", "value")
    quantity = Quantity(readings, kind)  # type: ignore[arg-type]
    return judge(assertion, quantity, list(SEEDS)[: len(values)], **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ([2] * 15, "yes"), ([2] * 14, "likely yes"), ([2] * 7, "likely yes"), ([2] * 6, "open"),
        ([0] * 15, "no"), ([0] * 7, "likely no"), ([2] * 19 + [0], "yes"),
        ([2] * 18 + [0] * 2, "likely yes"), ([1] * 20, "open"), ([], "not measured"),
    ],
)  # fmt: skip
def test_a_direction(values: list[float], word: str) -> None:
    assert verdict(said(above=1), values).word == word
    mirrored = [2 - value for value in values]
    assert verdict(said(below=1), mirrored).word == word


def test_a_size_needs_both_sides_and_its_bounds_are_inside() -> None:
    rule = said(within=[1, 2])
    assert verdict(rule, [1] * 8 + [2] * 7).word == "yes"
    assert verdict(rule, [1.5] * 14 + [2.5]).word == "likely yes"
    assert verdict(rule, [2.5] * 15).word == "no"
    assert verdict(rule, [0.5] * 15).word == "no"
    assert verdict(rule, [0.5] * 10 + [2.5] * 10).word == "open"  # outside, but on neither side
    assert verdict(rule, [Reading(1.2, math.inf)] * 20).word == "open"


def test_a_margin_has_no_difference_as_a_word_of_its_own() -> None:
    rule = said(above=0, margin=1)
    assert verdict(rule, [0.5, -0.5] * 8).word == "no difference"
    assert verdict(rule, [2] * 16).word == "yes"
    small = verdict(rule, [0.5] * 16)
    assert (small.word, small.reason) == ("yes", "by less than 1")
    assert verdict(rule, [-0.5] * 16).word == "no"
    assert "within 1 in 16 of 16 seeds" in measured(verdict(rule, [0.5, -0.5] * 8))


def test_a_size_from_elsewhere_enters_no_total() -> None:
    rule = said(within=[1, 2], protocol="proxy")
    here, there = verdict(rule, [1.5] * 15), verdict(rule, [5] * 15)
    assert (here.word, there.word) == ("here too", "not here")
    assert not here.counts
    assert verdict(said(above=1, protocol="proxy"), [5] * 15).word == "yes"


def test_facts_are_held_against_their_rule_and_not_counted() -> None:
    quantity = Quantity.fact(24)
    assert judge(said(equals=24), quantity, []).word == "yes"
    assert judge(said(equals=25), quantity, []).word == "no"
    assert judge(said(within=[20, 30]), quantity, []).lines is None


def test_a_silent_seed_counts_and_strengthens_nothing() -> None:
    full, gap = verdict(said(above=1), [2] * 15), verdict(said(above=1), [2] * 14 + [None])
    assert (full.word, gap.word) == ("yes", "likely yes")
    assert gap.n == 15
    assert gap.lines is not None
    assert gap.lines.yes.k == 14


VALUES = st.lists(
    st.one_of(st.none(), st.floats(-3, 3), st.just(math.inf)), min_size=1, max_size=19
)


@settings(deadline=None)
@given(VALUES, st.floats(-1, 1))
def test_a_weaker_seed_never_strengthens_and_order_does_not_matter(
    values: list[float | None], line: float
) -> None:
    known = [Reading(x, x) if x is not None and math.isfinite(x) else None for x in values]
    rule = said(above=line)
    before = verdict(rule, [*known, exact(line + 1)]).lines
    weaker = verdict(rule, [*known, exact(line)]).lines
    silent = verdict(rule, [*known, None]).lines
    shuffled = random.Random(0).sample(known, len(known))
    after = verdict(rule, [exact(line + 1), *shuffled])
    assert before is not None
    assert after.lines is not None
    assert before.yes.e >= (weaker or Lines(1, (0,), (0,))).yes.e
    assert before.yes.e >= (silent or Lines(1, (0,), (0,))).yes.e
    assert after.lines.yes == before.yes


def test_why_it_is_open_in_this_order() -> None:
    direction = said(above=0)
    mixed = [1.0, -1.0] * 4
    ceiling = verdict(direction, [1] * 20, untestable="the plain net is at 99% already")
    assert (ceiling.word, ceiling.cause) == ("open", "untestable")
    assert not ceiling.counts
    size = said(within=[3, 4.7])
    spread = Spread(math.log(3.7), 0.3)
    far = verdict(size, [3, 5, 4, 3.5, 4.9, 2.5, 4.1], kind="ratio", spread=spread)
    assert far.cause == "out of reach here"
    silent = verdict(direction, [Reading(-1, 1)] * 5 + [1.0] * 3)
    assert silent.cause == "silent"
    assert "most seeds say nothing: 5 of 8" in silent.reason
    assert verdict(direction, mixed).reason == "seeds disagree: 4 for, 4 against"
    few = verdict(direction, [1] * 7)
    assert (few.cause, few.reason) == ("too few seeds", "too few seeds: about 8 more would tell")
    assert few.counts


def test_what_is_out_of_reach_depends_on_the_spread() -> None:
    size = said(within=[3, 4.7])
    assert reach(size, "ratio", Spread(math.log(3.7), 0.05)) > 0.95
    assert reach(size, "ratio", Spread(math.log(3.7), 0.25)) < 0.2
    assert reach(size, "ratio", Spread(math.log(20), 0.25)) > 0.95  # a plain no is near
    margin = said(above=0, margin=1)
    assert reach(margin, "value", Spread(0.0, 1.0)) < 0.2
    assert reach(margin, "value", Spread(0.0, 0.3)) > 0.95
    assert reach(said(above=0), "value", Spread(0.0, 100.0)) == 1
    assert reach(said(within=[0, 0]), "value", Spread(0.0, 0.0)) > 0.95  # on the bound is inside


def test_the_next_look_is_the_soonest_that_could_decide() -> None:
    def look(values: list[float]) -> int | None:
        lines = verdict(said(above=1), values).lines
        assert lines is not None
        return lines.next_look(20)

    assert look([2.0] * 7) == 15
    assert look([2.0] * 6 + [0.0]) == 20
    assert look([2.0] * 4 + [0.0] * 3) is None


def test_a_size_with_no_width_left_is_not_asked_for_more() -> None:
    lines = verdict(said(within=[1, 2]), [Reading(0.5, 3)] * 7).lines
    assert lines is not None
    assert lines.silent == 7


def test_readings_in_words() -> None:
    rule = said(above=1, verb="faster")
    values: list[float | Reading | None] = [4.4, 6, *[5.1] * 13]
    assert measured(verdict(rule, values, kind="ratio")).endswith("faster in 15 of 15 seeds")
    assert "(5.1" not in measured(verdict(rule, values, kind="ratio"))
    spread: list[float | Reading | None] = [1.0 + i / 10 for i in range(1, 16)]
    assert measured(verdict(rule, spread)) == "1.8 (1.2 to 2.4), faster in 15 of 15 seeds"
    never: list[float | Reading | None] = [Reading(5, math.inf)] * 15
    assert measured(verdict(rule, never, kind="ratio")).startswith("at least 5 (from 5)")
    slower = verdict(rule, [0.5] * 15)
    assert counts(slower) == "not faster in 15 of 15 seeds"
    assert "15 for, 0 against, of 15" in reckoned(verdict(rule, spread))
    assert f"{LEDGER}" not in reckoned(slower)


def test_it_is_said_where_mean_and_median_part() -> None:
    told = parted(verdict(said(above=0), [1.0] * 14 + [-100.0]))
    assert told.endswith("5.73: rare seeds are unlike the typical one")
    assert parted(verdict(said(above=0), [1.0] * 15)) == ""
