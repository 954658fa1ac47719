import math

import pytest

from bnexp.comparisons.choices import Choices, Chosen
from bnexp.comparisons.judges.depth import deepest
from bnexp.comparisons.readings import Reading
from tests.comparisons.judges.tables import arm, make

DEPTHS = (14, 17, 19, 23, 26)
HOW = {"until": 1.16, "end": "largest", "whole": True}
CHOSEN = Choices(
    tuple(
        Chosen("bracket", "deepest", {"model.norm": norm}, "model.depth", HOW, 0.85, 16, 25)
        for norm in ("none", "batch")
    )
)


def nets(norm, reach, depths=DEPTHS):
    """Runs that are accurate up to a depth."""
    rows = []
    for depth in depths:
        accuracy = 0.9 if depth <= reach else 0.2
        rows += arm(f"{norm} {depth}", model__norm=norm, model__depth=depth,
                    val_accuracy=accuracy, test_accuracy=accuracy)  # fmt: skip
    return rows


def test_where_training_ends_lies_between_two_depths():
    found = deepest(make(nets("none", 17) + nets("batch", 23)), CHOSEN)
    assert found.quantities["deepest"].readings[0] == Reading(23, 26)
    assert found.quantities["deeper"].readings[0] == Reading(23 / 19, 26 / 17)
    assert len(found.table) == 8


def test_ends_beyond_the_bracket_are_bounds():
    found = deepest(make(nets("none", 0) + nets("batch", 99)), CHOSEN).quantities
    assert found["deepest"].readings[0] == Reading(26, math.inf)
    assert found["deeper"].readings[0] == Reading(26 / 14, math.inf)


def test_a_search_that_has_not_ended_says_nothing():
    found = deepest(make(nets("none", 0) + nets("batch", 19, (14, 26))), CHOSEN)
    assert found.quantities["deepest"].n == 0
    assert "(no norm)" in found.summary


def test_accuracy_at_one_depth():
    rows = nets("none", 25, (20,)) + nets("batch", 25, (20,))
    for row in rows:
        row["test_accuracy"] += 0.03 * (row["model.norm"] == "batch")
    found = deepest(make(rows), CHOSEN).quantities["deep_accuracy"]
    assert found.centre == pytest.approx(3)
