"""The ledger's tables and page, from entries whose content is known."""

import io
import json
import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from bnexp.comparisons import Finding, Quantity, Step, Working, figures, ledger
from bnexp.comparisons.choices import Choices, Chosen
from bnexp.comparisons.config import Assertion, Comparison
from bnexp.comparisons.entry import Entry
from bnexp.comparisons.judging import verdicts_of
from bnexp.comparisons.page import write_page
from bnexp.comparisons.readings import Reading, exact
from bnexp.comparisons.setting import Setting
from bnexp.comparisons.verdict import judge
from bnexp.comparisons.words import headline, of_these_images, right_value
from bnexp.comparisons.working import step_verdict

SETTING = Setting(("B99", "A99"), "digits", "default")
COMMON = {"section": "9", "question": "Is it?", "judge": "m.f"}
SEEDS = tuple(range(20_000, 20_015))
CHOICES = Choices(
    (
        Chosen("choice", "best", {"model.norm": "batch"}, "optimizer.lr", 0.3, 0.9),
        Chosen("target", "target", value=0.95),
    )
)


@pytest.fixture
def entries() -> list[Entry]:
    rules = [
        Assertion(quantity="speed", says="faster <b>", above=1, verb="faster"),
        Assertion(quantity="speed", says="3 to 5 times | faster", within=[3, 5]),
        Assertion(quantity="gone", says="never seen", above=0),
    ]
    training = Comparison(
        id="B99", title="Speed", documented="3-5x", kind="training", assertions=rules, **COMMON
    )
    values = [1.4 + place / 50 for place in range(15)]
    readings = {seed: exact(value) for seed, value in zip(SEEDS, values, strict=True)}
    readings[SEEDS[3]] = Reading(1.4, float("inf"))
    quantities = {"speed": Quantity(readings, "ratio", "x")}
    found = Finding("It is 1.5 times", quantities, pd.DataFrame({"seed": [0], "x": [float("inf")]}))
    verdicts = verdicts_of(training, quantities, SEEDS, CHOICES)
    arithmetic = Comparison(id="A99", title="Sum", documented="4", kind="arithmetic", **COMMON)
    steps = (
        Step("two and two", 4.0, "4", "a + b", "2 + 2"),
        Step("two and three", 5.04, "5.1", explains="rounded up"),
        Step("silent", 1.0),
    )
    working = Working("One of two is right", steps)
    return [
        Entry(training, found, verdicts, seeds=SEEDS, choices=CHOICES, edition="2-abc"),
        Entry(arithmetic, working, words=tuple(map(step_verdict, steps))),
        Entry(training.model_copy(update={"id": "B98"}), problem="no run of it is done"),
    ]


def test_every_row_has_its_verdict(entries: list[Entry]) -> None:
    table = ledger.table(entries)
    assert list(table["verdict"]) == [
        "yes", "likely no", "not measured", "exact", "erratum", "not measured",
    ]  # fmt: skip
    assert table.loc[0, "measured"] == "1.55x (1.4 to 1.68), faster in 15 of 15 seeds"
    assert (table.loc[0, "for"], table.loc[0, "n"], table.loc[1, "against"]) == (15, 15, 14)
    assert list(table["documented"][:5]) == ["above 1", "3 to 5", "above 0", "4", "5.1"]
    assert table.loc[4, "why"] == "rounded up"
    assert table.loc[5, "why"] == "no run of it is done"


def test_the_headline_counts(entries: list[Entry]) -> None:
    assert headline(entries) == (
        "Of 2 claims within reach 1 is decided: 1 yes, 1 open; "
        "1 more are sizes from elsewhere, or cannot be decided here; "
        "numbers and statements recomputed: 1 exact, 1 erratum."
    )
    assert headline([]) == "Nothing was measured."


def test_the_files_agree(entries: list[Entry], tmp_path: Path) -> None:
    ledger.write(entries, SETTING, tmp_path)
    csv = pd.read_csv(io.StringIO((tmp_path / "ledger.csv").read_text()))
    data = json.loads((tmp_path / "ledger.json").read_text())
    flat = [verdict for row in data["rows"] for verdict in row["verdicts"]]
    assert [row["verdict"] for row in flat] == list(csv["verdict"])
    assert flat[0]["value"] == csv.loc[0, "value"] == pytest.approx((1.54 * 1.56) ** 0.5)
    assert data["rows"][0]["table"] == [{"seed": 0, "x": "never"}]
    page = (tmp_path / "ledger.md").read_text()
    assert "3 to 5 times \\| faster" in page
    assert page.count("\n## ") == 3


def test_the_page_has_a_figure_for_every_row_that_was_measured(
    entries: list[Entry], tmp_path: Path
) -> None:
    page = write_page(entries, SETTING, tmp_path).read_text()
    assert re.findall(r'<h3 id="finding-\d+">(.*?)</h3>', page) == [
        "B99. Faster &lt;b&gt;: yes, 1.55x; 3 to 5 times | faster: likely no, 1.55x",
        "A99. One of two is right",
    ]
    assert page.count("<svg") == 2
    assert "faster &lt;b&gt;" in page
    assert "faster <b>" not in page
    assert "B98: no run of it is done" in page
    assert {file.name for file in tmp_path.glob("figures/*")} == {
        "B99-verdicts.svg", "A99-printed.svg",
    }  # fmt: skip


@pytest.mark.parametrize("centre", [0.001, 0.91, 1e6])
def test_the_axis_reaches_over_everything_measured(entries: list[Entry], centre: float) -> None:
    rule = Assertion(quantity="q", says="large", above=100)
    near = Quantity({seed: exact(x) for seed, x in enumerate((150, 160, 170))}, "ratio")
    far = Quantity({seed: exact(centre) for seed in range(3)}, "ratio")
    verdicts = tuple(judge(rule, quantity, range(3)) for quantity in (near, far))
    chart = figures.assertions(replace(entries[0], verdicts=verdicts))
    assert chart is not None
    low, high = chart.axes[0].get_xlim()
    assert low < min(centre, 100)
    assert max(centre, 170) < high


def test_what_is_shown(entries: list[Entry], capsys: pytest.CaptureFixture[str]) -> None:
    ledger.show(entries, verbose=True)
    shown = capsys.readouterr().out
    assert "a + b" in shown
    assert "= 2 + 2" in shown
    assert "printed 4: exact" in shown
    assert "printed 5.1: erratum; rounded up" in shown


def test_every_seed_and_how_it_was_counted_is_shown(
    entries: list[Entry], capsys: pytest.CaptureFixture[str]
) -> None:
    ledger.show(entries, verbose=True)
    shown = capsys.readouterr().out
    assert "20003" in shown
    assert "at least 1.4x" in shown
    assert "above 1: 15 for, 0 against, of 15; E = 4" in shown
    assert "chosen by pilots: best learning rate 0.3 (batch); target 95%" in shown
    assert "Likely: enough seeds by itself" in shown


def test_what_another_draw_of_the_test_images_would_do() -> None:
    told = of_these_images(0.9, 300)
    assert told.startswith("On these 300 test images: another draw of them would move a difference")
    assert "up to about 2.4 points" in told  # 100 sqrt(2 * 0.9 * 0.1 / 300)
    assert of_these_images(float("nan"), 300) == of_these_images(0.9, 0) == ""


def test_right_numbers_have_a_digit_more() -> None:
    assert right_value(Step("x", 1.018, "1.0182")) == "1.01800"
    assert right_value(Step("x", -2.98e-8, "-2.9802e-08")) == "-2.98000e-08"
