"""A title is a claim: every number in it is in the figure's data, at the place that it names."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bnexp.report.arms import Arms
from bnexp.report.catalogue import FIGURES, draw
from bnexp.report.chart import Chart
from bnexp.report.context import context
from bnexp.report.figures.convergence import _when
from bnexp.report.figures.learning_rate import learning_rate
from bnexp.runs.tables import Runs
from tests.report.records import write_run

NUMBER = re.compile("(?<![\\w.])[\N{MINUS SIGN}-]?\\d[\\d,]*(?:\\.\\d+)?(?:e[+-]?\\d+)?")
COUNTED = ("step", "layer", "epoch", "of", "runs", "seeds")  # words around numbers that are counts


def claims(chart: Chart) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Each number of the title, what follows it, and the rows that must hold it.

    A number before "(arm)" is one of that arm; others may be anywhere in the figure's tables.
    """
    labels = sorted(set(chart.table["arm"]), key=len, reverse=True)
    arms = "|".join(re.escape(f"({label})") for label in labels)
    end = 0
    finding = chart.finding.replace("middle 70%", "middle part")  # p15 to p85, by name
    for found in re.finditer(f"(.*?)({arms})", finding):
        rows = chart.table[chart.table["arm"] == found[2][1:-1]]
        for number in NUMBER.finditer(found[1]):
            yield number[0], found[1][number.end() :], rows
        end = found.end()
    rest = finding[end:]
    for label in labels:
        rest = rest.replace(label, "")
    for number in NUMBER.finditer(rest):
        yield number[0], rest[number.end() :], pd.concat([chart.table, chart.differences])


def holds(rows: pd.DataFrame, text: str, after: str) -> bool:
    """Whether a cell rounds to `text`; shares are given in percent or points."""
    value = float(text.replace("\N{MINUS SIGN}", "-").replace(",", ""))
    digits = text.lstrip("-\N{MINUS SIGN}").replace(",", "")
    unit = 10.0 ** -len(digits.partition(".")[2]) if "." in digits else (
        10.0 ** (len(digits) - len(digits.rstrip("0"))) if len(digits) > 2 else 1.0
    )  # fmt: skip
    scale = 100 if after.startswith(("%", " points")) else 1
    cells = pd.to_numeric(pd.Series(rows.to_numpy().ravel()), errors="coerce").dropna()
    return bool((np.abs(scale * cells.astype(float) - value) <= 0.501 * unit).any())


def check(chart: Chart) -> None:
    found = list(claims(chart))
    assert found, chart.finding
    for text, after, rows in found:
        assert holds(rows, text, after), f"{text} is not in the data of: {chart.finding}"


@pytest.fixture(scope="module")
def uneven(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Arms with grids of their own, lost runs, an arm that lacks seeds, and one stray rate."""
    runs = tmp_path_factory.mktemp("uneven") / "runs"
    grids = {"none": (0.01, 0.1, 1.0, 10.0), "batch": (0.1, 1.0, 10.0), "layer": (0.01, 0.1)}
    for norm, rates in grids.items():
        for rate in rates:
            for seed in range(2 if norm == "layer" else 4):
                lost = norm == "none" and rate >= 1.0 and seed < 3
                outcome = (
                    "diverged" if lost and rate == 10.0 else "not trained" if lost else "trained"
                )
                write_run(runs, norm, seed, outcome=outcome, optimizer__lr=rate)
    write_run(runs, "batch", 0, final=0.999, optimizer__lr=0.37)
    return runs


@pytest.mark.parametrize("name", [name for name in FIGURES if name != "batch_size"])
def test_every_number_of_a_title_is_in_the_data(name: str, uneven: Path) -> None:
    """And an arm that lacks seeds is marked, and never named as best or worst."""
    options: dict[str, Any] = {"key": "optimizer.lr"} if name in ("sensitivity", "by_value") else {}
    chart = draw(name, uneven, **options)
    check(chart)
    assert chart.context == "digits \N{MIDDLE DOT} MLP 256-128-64 \N{MIDDLE DOT} SGD"
    text = re.sub(r"<[^>]*>|\s+", " ", chart.svg()).replace("  ", " ")
    assert chart.context in text
    assert "(layer norm" not in chart.finding
    assert "2 missing" in text


def test_a_mark_is_on_its_curve(uneven: Path) -> None:
    chart = draw("convergence", uneven)
    for ax in chart.axes[1:]:
        curves = [line.get_xydata() for line in ax.lines if len(line.get_xdata()) > 2]
        rings = [line for line in ax.lines if line.get_fillstyle() == "none"]
        points = [point for ring in rings for point in np.asarray(ring.get_xydata())]
        assert points
        for point in points:
            assert any((np.asarray(curve) == point).all(axis=1).any() for curve in curves)


def test_of_runs_evaluated_at_their_ends_alone_the_end_is_told(tmp_path: Path) -> None:
    """And by time too a curve ends where its runs ended, the slowest included."""
    for norm in ("none", "batch"):
        for seed in range(3):
            write_run(tmp_path, norm, seed, epochs=1)
    chart = draw("convergence", tmp_path)
    assert chart.finding.startswith("At the end a median run is at a validation accuracy of ")
    assert "target_val_accuracy" not in chart.table
    check(chart)
    ends = [
        {line.get_ydata()[-1] for line in ax.lines if len(line.get_xdata()) > 1}  # type: ignore[index]
        for ax in chart.axes[1:]
    ]
    assert ends[0] == ends[1] == set(chart.table["val_accuracy_median"])


def test_no_line_is_drawn_where_nothing_trained(tmp_path: Path) -> None:
    for depth in (2, 4, 8):
        for seed in range(2):
            outcome = "not trained" if depth == 4 else "trained"
            write_run(tmp_path, seed=seed, outcome=outcome, layers=False, model__depth=depth)
    chart = draw("sensitivity", tmp_path, key="model.depth")
    line = chart.axes[0].containers[0].lines[0]  # type: ignore[union-attr]
    assert np.isnan(np.asarray(line.get_ydata(), float)).tolist() == [False, True, False]


RATES = (0.01, 0.03, 0.1, 0.3, 1.0)


@st.composite
def sweeps(draw: st.DrawFn) -> pd.DataFrame:
    """Runs of two norms over grids that need not agree, with all kinds of ends."""
    rows = []
    for norm in ("none", "batch"):
        for rate in draw(st.lists(st.sampled_from(RATES), min_size=2, unique=True)):
            for seed in range(draw(st.integers(1, 3))):
                outcome = draw(st.sampled_from(["trained", "trained", "not trained", "diverged"]))
                accuracy = {
                    "trained": draw(st.floats(0.3, 1)), "not trained": 0.1, "diverged": np.nan,
                }[outcome]  # fmt: skip
                keys = {"model.norm": norm, "optimizer.lr": rate, "seed": seed}
                rows.append(
                    {"run": f"{norm}{rate}{seed}", "folder": "nowhere", "preset": "mlp"}
                    | {"outcome": outcome, "val_accuracy": accuracy, "test_accuracy": accuracy}
                    | keys
                )
    return pd.DataFrame(rows)


@settings(max_examples=15, deadline=None)
@given(sweeps())
def test_titles_of_rates_are_true_of_any_sweep(table: pd.DataFrame) -> None:
    if table["optimizer.lr"].nunique() == 1:
        return
    runs = Runs(table, pd.DataFrame(columns=["folder", "reason"]))
    chart = learning_rate(Arms(runs, ("model.norm", "optimizer.lr")))
    if "At no" not in chart.finding:
        check(chart)


@pytest.mark.parametrize(
    ("after", "by", "words"),
    [
        (0, 5, "between epochs 0 and 5 (a)"),
        (0.602151, 0.795699, "between epochs 0.6 and 0.8 (a)"),
        (15.2043, 15.3978, "between epochs 15.2 and 15.4 (a)"),
        (1.1, 1.2, "between epochs 1.1 and 1.2 (a)"),
        (0.9, 1.04, "between epochs 0.9 and 1.1 (a)"),
        (0, 0, "before training (a)"),
    ],
)
def test_parts_of_an_epoch_are_rounded_outwards(after: float, by: float, words: str) -> None:
    assert _when({"half_after_epochs": after, "half_by_epochs": by, "arm": "a"}) == words


def test_a_folder_of_images_is_called_by_its_name() -> None:
    net = {"model.kind": "cnn", "optimizer.name": "adam", "data.train_size": None}
    photos = {**net, "data.name": "image_folder", "data.root": "/home/me/photos"}
    digits = {**net, "data.name": "digits"}
    assert context(pd.DataFrame([photos])) == "photos \N{MIDDLE DOT} CNN \N{MIDDLE DOT} Adam"
    assert context(pd.DataFrame([photos | {"data.train_size": 500.0}, digits])).startswith(
        "500 images of photos and digits"
    )
