"""Arms, rows and hints in the SVG of a figure."""

import re
from pathlib import Path

import pytest

from bnexp.report import write_report
from bnexp.report.arms import find_arms
from bnexp.report.catalogue import draw
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


def test_rows_and_arms_are_marked_for_the_pages_script(runs: Path, tmp_path: Path) -> None:
    svg = draw("by_value", runs, key="model.depth").svg()
    rows = re.findall(r'data-row="([^"]*)"', svg)
    assert sorted(set(rows)) == ["depth 2", "depth 4", "depth 8"]
    assert set(re.findall(r'data-arm="([^"]*)"', svg)) == {"batch norm", "layer norm"}
    page = write_report([runs], tmp_path / "report", sweep=None).read_text()
    assert "data-row" in page
    assert "data-arm" in page
    assert page.count("<script>") == 1
