"""The figure of a row's verdicts: its title, its marks, its labels."""

from dataclasses import replace
from itertools import pairwise

import pytest
from matplotlib.figure import Figure

from bnexp.comparisons.config import Assertion, load
from bnexp.comparisons.entry import Entry
from bnexp.comparisons.figures import assertions
from bnexp.comparisons.finding import Quantity
from bnexp.comparisons.readings import exact
from bnexp.comparisons.verdict import Verdict, judge


def verdict(says: str, value: float, above: float = 0.0) -> Verdict:
    readings = {seed: exact(value + 0.01 * (seed - 7)) for seed in range(15)}
    claim = Assertion.model_validate({"quantity": says, "says": says, "above": above})
    return judge(claim, Quantity(readings, unit="points"), range(15), family=1)


def drawn(*verdicts: Verdict) -> Figure:
    return assertions(Entry(load("B34"), verdicts=verdicts))


@pytest.mark.parametrize(
    ("values", "title"),
    [
        ([2], "Claim 0 holds: yes, 2 points"),
        ([2, -3], "Claim 0 holds: yes, 2 points; claim 1 holds: no, -3 points"),
        ([2, -3, 4, 5], "Claim 0 holds: yes, 2 points; of 3 more claims 2 yes, 1 no"),
    ],
)
def test_the_title_says_what_is_drawn(values: list[float], title: str) -> None:
    chart = drawn(*(verdict(f"claim {i} holds", value) for i, value in enumerate(values)))
    assert chart.finding == title.replace("-", "\N{MINUS SIGN}")  # type: ignore[attr-defined]
    marks = [line for line in chart.axes[0].lines if line.get_markersize() == 8]
    assert [float(line.get_xdata()[0]) for line in marks] == pytest.approx(values)  # type: ignore[index]


def test_long_labels_do_not_meet_and_bounds_are_not_parted() -> None:
    says = "without batch norm what is said here takes three lines of a label, not one or two"
    chart = drawn(*(verdict(f"{says} {i}", 2, above=-0.5) for i in range(4)))
    chart.svg()  # type: ignore[attr-defined]
    ax = chart.axes[0]
    boxes = [label.get_window_extent() for label in ax.get_yticklabels()]
    assert all(high.y0 >= low.y1 for high, low in pairwise(boxes))
    texts = [label.get_text().replace("\N{NO-BREAK SPACE}", " ") for label in ax.get_yticklabels()]
    assert all("(above \N{MINUS SIGN}0.5)" in text for text in texts)


def test_words_that_look_the_same_share_a_mark_in_the_legend() -> None:
    other = replace(verdict("c", -3), word="not here")
    chart = drawn(verdict("a", 2), verdict("b", -3), other)
    [legend] = chart.legends
    assert [text.get_text() for text in legend.get_texts()] == ["yes", "no, not here", "documented"]
