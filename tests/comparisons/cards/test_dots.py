"""Evidence by seed, drawn: a mark for each seed, on the side that it speaks for."""

import math
import xml.etree.ElementTree as ET

from bnexp.comparisons.cards import dots
from bnexp.comparisons.config import Assertion
from bnexp.comparisons.finding import Quantity
from bnexp.comparisons.readings import Reading, exact
from bnexp.comparisons.verdict import judge

SEEDS = (1, 2, 3, 4, 5)
CLAIM = Assertion(quantity="ratio", says="faster", above=1)
QUANTITY = Quantity(
    {
        1: exact(4.0),
        2: Reading(2, 3),
        3: Reading(0.5, 2),
        4: exact(0.25),
        5: Reading(5, math.inf),
    },
    "ratio",
    "x",
)


def picture(quantity: Quantity = QUANTITY, claim: Assertion = CLAIM) -> ET.Element:
    return ET.fromstring(dots.svg(quantity, [judge(claim, quantity, SEEDS)], SEEDS))


def marks(found: ET.Element, name: str) -> list[ET.Element]:
    return [one for one in found.iter() if one.get("class") == name]


def test_a_mark_for_each_seed() -> None:
    found = picture()
    assert (len(marks(found, "dot")), len(marks(found, "cross")), len(marks(found, "ring"))) == (
        3,
        1,
        1,
    )
    assert [title.text for title in found.iter("title")] == [
        "seed 1: 4x",
        "seed 2: 2 to 3x",
        "seed 3: 0.5 to 2x",
        "seed 4: 0.25x",
        "seed 5: at least 5x",
    ]
    assert found.get("aria-label") == "faster: 3 of 5 seeds for it, 1 against; the claim is above 1"


def test_marks_lie_on_their_side_of_the_line() -> None:
    found = picture()
    [line] = marks(found, "line")
    at = float(line.get("d", "")[1:].split()[0])
    assert all(float(one.get("cx", "")) > at for one in marks(found, "dot"))
    [cross] = marks(found, "cross")
    assert float(cross.get("d", "")[1:].split()[0]) + 3 < at
    [claimed] = marks(found, "claimed")
    assert float(claimed.get("x", "")) == at


def test_intervals_are_bars_that_reach_the_edge_where_no_end_is_known() -> None:
    bars = [one.get("d", "") for one in marks(picture(), "bar")]
    assert len(bars) == 3
    assert bars[-1].endswith(f"H{dots.RIGHT:.1f}")


def test_a_silent_seed_is_a_ring_across_the_picture() -> None:
    found = picture(Quantity({1: exact(2.0)}, "ratio", "x"))
    assert len(marks(found, "ring")) == 4
    assert [title.text for title in found.iter("title")].count("seed 2: says nothing") == 1


def test_the_same_value_in_every_seed_can_be_drawn() -> None:
    for value in (0.0, 3.0, -3.0):
        same = Quantity(dict.fromkeys(SEEDS, exact(value)))
        found = picture(same, Assertion(quantity="q", says="q", within=[value, value]))
        assert len(marks(found, "dot")) == 5


def test_as_text() -> None:
    assert dots.strip(QUANTITY, judge(CLAIM, QUANTITY, SEEDS), SEEDS) == "●●○✕●"
