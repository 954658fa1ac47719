"""Arms, rows and hints in the SVG of a figure."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from bnexp.report import write_report
from bnexp.report.arms import find_arms
from bnexp.report.catalogue import draw
from bnexp.report.page import SORTING
from tests.report.records import write_run


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("touch") / "runs"
    for norm in ("batch", "layer"):
        for depth in (2, 4, 8):
            for seed in range(2):
                write_run(folder, norm, seed, model__depth=depth)
    return folder


def test_a_point_tells_its_runs(runs: Path) -> None:
    svg = draw("sensitivity", runs, key="model.depth").svg()
    hints = re.findall(r"<use [^>]*><title>([^<]*)</title></use>", svg)
    table = find_arms(runs).runs.runs
    assert len(hints) == 6
    for hint in hints:
        named = re.findall(r"^(\S+), (\S+)$", hint, re.MULTILINE)[0]
        cell = table[table["run"].isin(named)]
        assert len(cell) == 2
        assert cell["model.depth"].nunique() == cell["model.norm"].nunique() == 1
        share = re.search(r"([\d.]+)% in 2 runs", hint)
        assert share is not None
        assert float(share[1]) == pytest.approx(100 * cell["test_accuracy"].mean(), abs=0.051)


def test_a_curve_tells_its_arm_and_runs(runs: Path) -> None:
    every = find_arms(runs)
    chart = draw("convergence", every.subset(every.runs.runs.query("`model.depth` == 4")))
    titles = re.findall(r"<g [^>]*><title>([^<]*)</title>", chart.svg())
    arms = {arm.label: set(arm.runs["run"]) for arm in chart.arms}
    told = dict(title.split(": 2 runs\n") for title in titles)
    assert {arm: set(rest.splitlines()[0].split(", ")) for arm, rest in told.items()} == arms


def test_rows_and_arms_are_marked_for_the_pages_script(runs: Path, tmp_path: Path) -> None:
    svg = draw("by_value", runs, key="model.depth").svg()
    rows = re.findall(r'data-row="([^"]*)"', svg)
    assert sorted(set(rows)) == ["depth 2", "depth 4", "depth 8"]
    assert set(re.findall(r'data-arm="([^"]*)"', svg)) == {"batch norm", "layer norm"}
    page = write_report([runs], tmp_path / "report", sweep=None).read_text()
    assert "data-row" in page
    assert "data-arm" in page
    assert page.count("<script>") == 1


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
@pytest.mark.parametrize("down", [False, True])
@pytest.mark.parametrize(
    "ordered",
    [
        ["0.25", "0.5", "10", "\N{EN DASH}"],
        ["\N{MINUS SIGN}never", "\N{MINUS SIGN}2", "1.2e-05", "0.001", "never"],
        ["< 0.001", "0.012", "6,000 images", "60,000 images", ""],
        ["3 of 20", "12 of 20", "none", "\N{EN DASH}"],
        ["960 ms", "1.2 s", "59 s", "2.5 min", "1.1 h"],
        ["640", "58.4k", "11.2M", "1G"],
        ["B2", "B10", "batch norm", "layer norm"],
    ],
)
def test_tables_sort_by_value(ordered: list[str], down: bool) -> None:
    """Numbers by size, words after them, what is missing last in both directions."""
    missing = [text for text in ordered if text in ("", "\N{EN DASH}")]
    there = [text for text in ordered if text not in missing]
    asked = f"{json.dumps(ordered[::-1])}.sort((a, b) => compare(a, b, {json.dumps(down)}))"
    page = "var document = {querySelectorAll: () => []};"
    script = f"{page}\n{SORTING}\nconsole.log(JSON.stringify({asked}))"
    found = subprocess.run(["node", "-e", script], capture_output=True, text=True, check=True)
    assert json.loads(found.stdout) == (there[::-1] if down else there) + missing
