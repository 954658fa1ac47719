import numpy as np
import pytest

from bnexp.comparisons.judges.board import (
    explained,
    given_by,
    mean,
    normalised,
    number,
    right,
    root,
    variance,
)
from bnexp.comparisons.working import Step

X = np.array([1.0, 2.0, 6.0])


def test_printed_numbers_are_read_with_their_separators() -> None:
    assert number("25,088") == 25088
    assert number("-0.45") == -0.45


def test_a_mean_is_written_out() -> None:
    assert mean("mean", X - 4).value == -1
    assert mean("mean", X - 4).working == "(-3 - 2 + 2) / 3 = -3 / 3 = -1"


def test_both_variances_and_their_roots() -> None:
    assert variance("", X).value == pytest.approx(14 / 3)
    assert variance("", X, ddof=1).value == 7
    assert variance("", X, ddof=1).working == "(4 + 1 + 9) / 2 = 7"
    assert root("", variance("", X, ddof=1)).value == pytest.approx(7**0.5)


def test_a_normalised_value_counts_eps() -> None:
    assert normalised("", 3.0, 1.0, 0.0).value == pytest.approx(2 / 1e-5**0.5)


def test_a_mistaken_formula_is_named_only_if_it_gives_the_printed_digits() -> None:
    formulas = {"the std": 2.16, "the variance": 4.667}
    assert given_by("4.67", formulas) == "the variance = 4.667"
    assert given_by("4.66", formulas) == ""


def test_only_an_erratum_is_explained() -> None:
    formulas = {"twice": 4.0}
    assert explained(Step("a", 2.0, "4"), formulas).explains == "twice = 4"
    for step in (Step("a", 4.0, "4"), Step("a", 2.0), Step("a", 2.0, "5")):
        assert explained(step, formulas) == step


def test_right_counts_printed_numbers_alone() -> None:
    steps = [Step("a", 2.0, "2"), Step("b", 2.04, "2.0"), Step("c", 3.0), Step("d", 3.0, "4")]
    assert right(steps) == "2 of 3 printed numbers are right, 1 is an erratum"
    assert right(steps[:3]) == "all 2 printed numbers are right to the digits printed"
    assert right(steps[:1]) == "all 1 printed numbers are right"
