"""A figure is added in one place, by others too."""

from pathlib import Path

import pytest

from tests.conftest import Cli
from tests.report.records import write_run

PLUGIN = """
from bnexp.report.catalogue import Figure, Option, add_figure

add_figure("widths", Figure("arms by width", "bnexp_plugins.widths", [Option("colour", "of it")]))


def widths(source, *, colour="red"):
    import pandas as pd
    from bnexp.report.arms import find_arms
    from bnexp.report.chart import Chart, style

    arms = find_arms(source)
    with style():
        chart = Chart("widths", arms, 2.0)
        chart.subplots().plot([1, 2], color=colour)
        table = pd.DataFrame([{"arm": arm.label, **arm.counts} for arm in arms])
        return chart.finish("Arms are as wide as they are", "By looking.", table)
"""


@pytest.fixture
def plugins(tmp_path: Path) -> str:
    folder = tmp_path / "path" / "bnexp_plugins"
    folder.mkdir(parents=True)
    (folder / "widths.py").write_text(PLUGIN)
    root = Path(__file__).parents[2]
    return f"{folder.parent}:{root}"


def test_a_figure_of_others_is_drawn_completed_and_on_the_page(
    cli: Cli, plugins: str, tmp_path: Path
) -> None:
    for norm in ("none", "batch"):
        write_run(tmp_path / "runs", norm, 0, layers=False)
    shown = cli("plot", "--help", PYTHONPATH=plugins).stdout
    assert "widths" in shown
    assert "arms by width" in shown
    assert "--colour COLOUR" in shown
    assert "widths" in cli("plot", "wdths", PYTHONPATH=plugins).stderr
    line = {"COMP_LINE": "bnexp plot ", "PYTHONPATH": plugins}
    assert "widths" in cli("-sc", "query=bash", **line).stdout.split()
    done = cli("plot", "widths", "--colour", "blue", PYTHONPATH=plugins)
    assert done.stdout.splitlines() == ["Arms are as wide as they are", "widths.svg"]
    assert cli("report", PYTHONPATH=plugins).returncode == 0
    assert "Arms are as wide as they are" in (tmp_path / "report" / "index.html").read_text()
