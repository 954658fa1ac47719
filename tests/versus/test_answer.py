"""How an answer is shown: on a terminal, as JSON, on its page; what tells its arms apart."""

import json
import math
from io import StringIO
from pathlib import Path

import pandas as pd
import pytest

from bnexp.comparisons.config import Assertion
from bnexp.comparisons.readings import Reading, exact
from bnexp.comparisons.verdict import judge
from bnexp.report.formats import csv
from bnexp.versus.answer import Answer, Line
from bnexp.versus.arms import _telling_apart
from bnexp.versus.definition import assertion
from bnexp.versus.metrics import Metric
from bnexp.versus.showing import table, text

METRIC = Metric.of("epochs_to:0.8")


def never_and_soon() -> Answer:
    """No norm is not there after 3 epochs; batch norm comes there in 2, but for one seed."""
    never = Line("no norm", dict.fromkeys(range(3), Reading(3.0, math.inf)))
    soon = Line("batch norm", {0: exact(2.0), 1: exact(2.0), 2: Reading(3.0, math.inf)})
    rule = Assertion.model_validate(assertion(METRIC, "batch norm", "no norm", None))
    verdict = judge(rule, METRIC.against(soon.readings, never.readings), range(3))
    return Answer(METRIC, "no norm", [never, soon], [verdict], range(3), "digits")


def test_what_never_reaches_its_target_is_written_as_a_bound() -> None:
    answer = never_and_soon()
    assert list(answer.cells["median"]) == ["at least 3", "2"]
    never, soon = answer.as_json()["arms"]
    assert (never["median"], never["reads"]) == (None, "at least 3")
    assert (soon["median"], soon["reads"]) == (pytest.approx(2), "2")
    assert (soon["difference"], soon["differs"]) == (None, "at least 1.5")
    table = pd.read_csv(StringIO(csv(answer)))
    assert table["median"].isna().tolist() == [True, False]
    assert list(table["reads"]) == ["at least 3", "2"]


def test_an_unknown_end_of_a_reading_is_null_in_json_and_on_the_page(tmp_path: Path) -> None:
    answer = never_and_soon()
    answer.page(tmp_path)
    written = json.loads((tmp_path / "answer.json").read_text())
    assert written == json.loads(json.dumps(answer.as_json(), allow_nan=False))
    assert [one["high"] for one in written["readings"]] == [None, 2.0, None, 2.0, None, None]
    assert "<td>never" not in (tmp_path / "index.html").read_text()


def test_a_narrow_terminal_parts_no_word_and_shows_every_verdict() -> None:
    answer = never_and_soon()
    for width in (60, 80, 120):
        _, head, *rows = text(answer, width).split("\n", 2)[-1].splitlines()
        words = " ".join([head, *rows]).split()
        assert "undecided" in words
        assert "control" in words
        assert {"norm", "batch"} <= set(words)
        assert all(len(row) <= width for row in rows)


def test_long_heads_fold_and_hide_no_arm() -> None:
    metric = Metric.of("largest_lr")
    rule = Assertion.model_validate(assertion(metric, "batch norm", "no norm", None))
    one, two = (dict.fromkeys(range(3), exact(rate)) for rate in (0.05, 0.28))
    verdict = judge(rule, metric.against(two, one), range(3))
    lines = [Line("no norm", one, rate=0.3, ended=3, started=3), Line("batch norm", two)]
    shown = table(Answer(metric, "no norm", lines, [verdict], range(3), "digits"), 100)
    assert shown.columns[0].header.plain == "arm"
    widths = {column.header.plain: column.width for column in shown.columns}
    assert widths["arm"] == len("batch norm")
    assert widths["verdict"] >= len("undecided")
    assert sum(widths.values()) + 3 * (len(widths) - 1) <= 100


def test_before_a_verdict_only_the_control_is_called_so() -> None:
    lines = [Line("no norm", {}, started=7), Line("batch norm", {}, started=7)]
    begun = Answer(METRIC, "no norm", lines, [], [], "digits")
    assert list(begun.cells["verdict"]) == ["control", ""]


def test_initial_weights_tell_arms_apart() -> None:
    configs = [{"model.weights": None, "workers": 1}, {"model.weights": "file.pt", "workers": 2}]
    assert _telling_apart(configs, rates_are_chosen=False) == ["model.weights"]
