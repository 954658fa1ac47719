"""Pilots whose runs are known choose what is known."""

import pandas as pd
import pytest

from bnexp.comparisons.choices import Choices, Chosen
from bnexp.comparisons.config import Ceiling, Choose, Search, Target
from bnexp.comparisons.pilots import Missing, beyond, brackets, ceiling, choose, level
from bnexp.comparisons.search import bisect, grid
from bnexp.report.statistics import level_around
from tests.comparisons.judges.tables import arm, make


def rates(accuracies, norm="none", scatter=0.0, **keys):
    """Runs of three pilots at rates 0.01, 0.1, 1, ...; None diverged."""
    rows = []
    for power, accuracy in enumerate(accuracies):
        values = tuple((accuracy or 0) + step * scatter for step in (-1, 0, 1))
        rows += arm(
            f"{norm} {power}", "trained" if accuracy is not None else "diverged", 3,
            optimizer__lr=10.0 ** (power - 2), model__norm=norm, val_accuracy=values, **keys,
        )  # fmt: skip
    return rows


def chosen(rows, **rule):
    found = choose(Choose(name="best", per=["model.norm"], **rule), make(rows))
    return {one.where["model.norm"]: (one.value, one.score) for one in found}


def test_each_arm_has_the_best_value_of_its_own():
    rows = rates([0.5, 0.9, 0.8]) + rates([0.5, 0.6, 0.9, 0.2], "batch")
    assert chosen(rows) == {"none": (0.1, 0.9), "batch": (1.0, 0.9)}


def test_a_plateau_within_one_standard_error_gives_its_middle():
    rows = rates([0.5, 0.9, 0.905, 0.903, 0.2], scatter=0.01)
    assert chosen(rows)["none"][0] == 1.0
    assert level_around([1, 1, 5, 5, 5, 1], 2, 0.0) == (2, 4)
    assert level_around([5, 4, 5], 0, 0.5) == (0, 0)  # no neighbours


def test_a_run_that_diverged_is_worse_than_any_other():
    assert chosen(rates([0.1, 0.11, None]))["none"][0] == 0.1


@pytest.mark.parametrize(("accuracies", "missing"), [([0.5, 0.9], 1.0), ([0.9, 0.5], 0.001)])
def test_a_best_value_at_the_edge_asks_for_a_wider_grid(accuracies, missing):
    with pytest.raises(Missing) as raised:
        chosen(rates(accuracies))
    [wider] = raised.value.wider
    assert (wider.where, wider.key, wider.value) == (
        {"model.norm": "none"},
        "optimizer.lr",
        missing,
    )
    rule = Choose(name="best", per=["model.norm"])
    [settled] = choose(rule, make(rates(accuracies)), closed={wider.grid})
    assert settled.score == 0.9


def test_a_ladder_goes_on_by_its_own_factor():
    assert beyond([0.01, 0.03, 0.1], 2) == pytest.approx(0.33)
    assert beyond([2, 4, 8], 2) == 16
    assert beyond([1, 2, 4], 0) is None
    assert beyond(["before", "after"], 1) is None
    assert beyond([0, 1], 0) is None


def test_by_speed_the_soonest_at_the_target_is_chosen():
    rows = rates([0.9, 0.9, 0.9])
    at = {0: 8, 1: 3, 2: 30}
    epochs = [
        {"run": row["run"], "epoch": epoch, "step": epoch,
         "val_accuracy": 0.9 * (epoch >= at[int(row["run"].split()[1])])}
        for row in rows
        for epoch in range(21)
    ]  # fmt: skip
    rule = Choose(name="fast", per=["model.norm"], by="speed")
    [found] = choose(rule, make(rows, epochs=epochs), target=0.9)
    assert found.value == 0.1


def test_one_arms_rate_can_be_given_to_all():
    rows = rates([0.5, 0.9, 0.8]) + rates([0.5, 0.6, 0.9, 0.2], "batch")
    [found] = choose(Choose(name="equal", of={"model.norm": "none"}), make(rows))
    assert (found.where, found.value) == ({}, 0.1)


def test_the_target_is_one_that_every_arm_reaches():
    rows = rates([0.5]) + rates([0.9], "batch")
    reached = {"none 0": 0.87, "batch 0": 0.97}
    epochs = [
        {"run": row["run"], "epoch": epoch, "step": epoch,
         "val_accuracy": accuracy * (epoch == 1)}
        for row in rows
        for epoch in range(3)
        for accuracy in [reached[row["run"][:-2]]]
    ]  # fmt: skip
    runs = make(rows, epochs=epochs)
    assert level(Target(), runs.runs, [runs], 0.95) == 0.85
    only = Target(where={"model.norm": "batch"})
    assert level(only, runs.runs, [runs], 0.95) == 0.95
    assert level(Target(least=0.95), runs.runs, [runs], 0.95) == 0.95  # the other is not waited for


def test_a_ceiling_is_hit_by_the_pilots_median():
    rows = pd.DataFrame(rates([0.98]))
    rule = Ceiling(name="full", at="best", above=0.97, says="no room")
    assert ceiling(rule, rows).value is True
    assert ceiling(rule.model_copy(update={"above": 0.99}), rows).value is False


BEST = Choices(
    tuple(
        Chosen("choice", "best", {"model.norm": norm}, "optimizer.lr", 0.1, 0.9)
        for norm in ("none", "batch")
    )
)


def test_arms_share_one_bracket_that_holds_every_pilots():
    rows = rates([0.9, 0.9, 0.2, 0.1]) + rates([0.9, 0.9, 0.9, 0.1], "batch")
    search = Search(name="stable", than="best", until=10)
    found = brackets(search, pd.DataFrame(rows), BEST)
    assert [(one.low, one.high, one.score) for one in found] == [(0.1, 10, 0.85)] * 2


def test_where_nothing_fails_the_grid_is_widened():
    rows = pd.DataFrame(rates([0.9, 0.9, 0.2]) + rates([0.9, 0.9, 0.9], "batch"))
    search = Search(name="stable", than="best", until=10)
    with pytest.raises(Missing) as raised:
        brackets(search, rows, BEST)
    [wider] = raised.value.wider
    assert (wider.where, wider.value) == ({"model.norm": "batch"}, 10)
    found = brackets(search, rows, BEST, closed={wider.grid})
    assert (found[0].low, found[0].high) == (0.1, 1)


@pytest.mark.parametrize("end", ["largest", "smallest"])
@pytest.mark.parametrize("at", [0.01, 0.5, 1.3, 7, 200])
def test_bisection_finds_where_passing_ends(at, end):
    values = grid(0.1, 10, 1.16)
    asked = []

    def passes(value):
        asked.append(value)
        return value <= at if end == "largest" else value >= at

    found = bisect(values, passes, end)
    assert found.low <= at <= found.high or (found.low == values[-1]) or found.high == values[0]
    assert len(asked) <= 2 + 6
    inside = values[0] < at < values[-1]
    assert (found.high / found.low < 1.17) if inside else (found.low == 0 or found.high > 1e300)


def test_a_search_asks_for_its_ends_first_and_then_for_one_value_at_a_time():
    values, known = grid(1, 16, 2), {}
    assert values == [1, 2, 4, 8, 16]
    assert bisect(values, known.get) == [1, 16]
    known |= {1: True, 16: False}
    assert bisect(values, known.get) == [4]
    known |= {4: True}
    assert bisect(values, known.get) == [8]


def test_grids_are_absolute_so_that_brackets_do_not_move_them():
    assert set(grid(0.5, 2, 1.16)) <= set(grid(0.1, 10, 1.16))
    assert grid(5, 40, 1.5, whole=True) == sorted(set(grid(5, 40, 1.5, whole=True)))
