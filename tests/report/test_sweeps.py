"""Which runs a report is about."""

from pathlib import Path

import pytest

from bnexp.errors import UserError
from bnexp.report.cli import table
from bnexp.report.reading import read_records
from bnexp.report.sweeps import of_sweep
from bnexp.runs.manifest import write
from tests.report.records import write_run


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A sweep over two norms, then one over the layer norm, and a run of no sweep."""
    folder = tmp_path / "runs"
    for command, norms in (("bnexp train -m first", "none batch"), ("second", "layer")):
        made = [write_run(folder, norm, 0, layers=False) for norm in norms.split()]
        write(folder, command, [path.name[-12:] for path in made])
    write_run(folder, "group", 0, layers=False)
    return folder


def norms(folder: Path, back: int | None) -> set[str]:
    found, _ = of_sweep(read_records(folder), [folder], back)
    return set(found.runs["model.norm"])


def test_the_last_sweep_unless_others_are_asked_for(runs: Path) -> None:
    assert norms(runs, 1) == {"layer"}
    assert norms(runs, 2) == {"none", "batch"}
    assert norms(runs, None) == {"none", "batch", "layer", "group"}
    with pytest.raises(UserError, match="sweep=3: there are 2 sweeps"):
        norms(runs, 3)


def test_what_was_left_aside_is_said(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table([str(runs)])
    shown = capsys.readouterr()
    assert "layer norm" in shown.out
    assert "batch norm" not in shown.out
    assert shown.err == "bnexp: 1 of 4 runs, those of `second`; --all takes all\n"
    table([str(runs), "--all"])
    shown = capsys.readouterr()
    assert "batch norm" in shown.out
    assert shown.err == ""


def test_all_runs_where_no_sweep_left_a_manifest(tmp_path: Path) -> None:
    write_run(tmp_path / "runs", "none", 0, layers=False)
    assert norms(tmp_path / "runs", 1) == {"none"}
