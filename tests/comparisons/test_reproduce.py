"""`bnexp reproduce` as a user types it."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from bnexp.cli import run
from bnexp.comparisons.choices import Choices
from bnexp.comparisons.judges.instrument import identical_arms
from bnexp.runs.tables import Runs
from tests.conftest import Cli

QUICK = ("I4", "A6", "preset=quick", "device=cpu")


def test_a_calculation_is_walked_through(cli: Cli, tmp_path: Path) -> None:
    done = cli("reproduce", "A6", "--verbose")
    assert done.returncode == 0, done.stderr
    assert "printed 1.292: erratum" in done.stdout
    assert "1.06267" in done.stdout
    assert {path.name for path in (tmp_path / "ledger").iterdir()} >= {
        "ledger.csv", "ledger.json", "ledger.md", "index.html",
    }  # fmt: skip
    assert not (tmp_path / "runs").exists()


def test_what_was_measured_is_said_though_it_cannot_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "ledger" / "ledger.json").mkdir(parents=True)
    assert run(["reproduce", "A6"]) == 2
    said = capsys.readouterr()
    assert "erratum" in said.out
    assert re.fullmatch(r"bnexp: .*: cannot be written: .*; out= says where to\n", said.err)


@pytest.mark.parametrize("command", ["reproduce I4 preset=quick", "compare model=mlp,mlp_bn"])
def test_a_place_that_cannot_be_written_is_said_before_anything_is_trained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    (tmp_path / "file").touch()
    for out in ("file", "file/below/it"):
        assert run([*command.split(), f"out={out}"]) == 2
        said = capsys.readouterr()
        wanted = "bnexp: file: cannot be written: Not a directory; out= says where to\n"
        assert (said.out, said.err) == ("", wanted)
    assert run([*command.split(), f"out={'x' * 300}"]) == 2
    assert "cannot be written: File name too long; out= says" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert run([*command.split(), "out=file", "--dry-run"]) == 0  # which writes nothing


def test_what_is_done_is_judged_again_and_not_trained_again(cli: Cli, tmp_path: Path) -> None:
    dry = cli("reproduce", *QUICK, "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert "1 judged seeds" in dry.stdout
    assert not (tmp_path / "runs").exists()
    first = cli("reproduce", *QUICK)
    assert first.returncode == 0, first.stderr
    runs = {path: path.stat().st_mtime_ns for path in tmp_path.glob("runs/*/run.json")}
    assert len(runs) == 2
    files = ("ledger.csv", "index.html", "evidence.csv", "choices.csv", "runs.csv")
    written = {name: (tmp_path / "ledger" / name).read_bytes() for name in files}
    again = cli("reproduce", *QUICK)
    assert again.returncode == 0, again.stderr
    assert runs == {path: path.stat().st_mtime_ns for path in tmp_path.glob("runs/*/run.json")}
    assert written == {name: (tmp_path / "ledger" / name).read_bytes() for name in files}
    data = json.loads((tmp_path / "ledger" / "ledger.json").read_text())
    [planted] = [row for row in data["rows"] if row["id"] == "I4"]
    [verdict] = planted["verdicts"]
    assert verdict["verdict"] == "open"  # one seed is never enough
    assert verdict["n"] == 1
    rejudge = (
        "import sys; from bnexp.comparisons.cli import rejudge; rejudge(['ledger']); "
        "sys.exit(any(name.partition('.')[0] == 'torch' for name in sys.modules))"
    )
    without_torch = subprocess.run([sys.executable, "-c", rejudge], capture_output=True)
    assert without_torch.returncode == 0, without_torch.stderr


def test_a_planted_effect_is_found_and_judged_again_from_its_evidence(
    cli: Cli, tmp_path: Path
) -> None:
    done = cli("reproduce", "planted", "seeds=7", "device=cpu")
    assert done.returncode == 0, done.stderr
    [row] = json.loads((tmp_path / "ledger" / "ledger.json").read_text())["rows"]
    [verdict] = row["verdicts"]
    assert verdict["value"] > 0
    assert (verdict["verdict"], verdict["for"], verdict["n"]) == ("likely yes", 7, 7)
    again = cli("rejudge", "ledger")
    assert again.returncode == 0, again.stderr
    assert "likely yes" in again.stdout
    assert not again.stderr
    further = cli("reproduce", "I4", "seeds=8", "evidence=ledger", "device=cpu", "out=further")
    assert further.returncode == 0, further.stderr
    lines = (tmp_path / "further" / "evidence.csv").read_text().splitlines()
    assert lines[:8] == (tmp_path / "ledger" / "evidence.csv").read_text().splitlines()
    assert len(lines) == 9


@pytest.mark.ci
def test_arms_that_differ_in_seeds_alone_are_not_told_apart(cli: Cli, tmp_path: Path) -> None:
    done = cli("reproduce", "I3", "preset=quick", "seeds=40", "training.max_steps=20", "device=cpu")
    assert done.returncode == 0, done.stderr
    [row] = json.loads((tmp_path / "ledger" / "ledger.json").read_text())["rows"]
    alone, ledger = row["verdicts"]
    assert (alone["verdict"], ledger["verdict"], ledger["value"]) == ("yes", "yes", 0)
    assert 0 <= alone["value"] <= 10
    pool = pd.read_csv(tmp_path / "ledger" / "runs.csv").sort_values("seed")
    assert pool["seed"].nunique() == len(pool) == 40
    assert pool["test_accuracy"].nunique() > 1
    recomputed = identical_arms(Runs(pool, pd.DataFrame()), Choices())
    assert recomputed.quantities["alone"].centre == alone["value"]
    again = cli("rejudge", "ledger")
    assert again.returncode == 0, again.stderr
    assert f"{alone['value']:.0f} found" in again.stdout


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "usage: bnexp rejudge FOLDER"),
        (["nowhere"], "nowhere: holds no evidence.csv"),
        (["a", "b"], "b: rejudge takes one folder"),
    ],
)
def test_what_cannot_be_judged_again(
    capsys: pytest.CaptureFixture[str], arguments: list[str], complaint: str
) -> None:
    assert run(["rejudge", *arguments]) == 2
    assert complaint in "".join(capsys.readouterr())


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["B0"], "B0: no such comparison"),
        (["I4", "--fast"], "--fast: no such flag"),
        (["I4", "data=dogs"], "data=dogs: the ledger has budgets for"),
        (["I4", "evidence=nowhere"], "nowhere: holds no evidence.csv"),
        (["norm"], "name one: "),
        (["I4", "model.width=3"], "model.width=3: unknown key"),
        (["I4", "comparisons=nowhere"], "comparisons=nowhere: must be a folder"),
    ],
)
def test_mistakes_are_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: list[str], complaint: str
) -> None:
    assert run(["reproduce", *arguments]) == 2
    assert complaint in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()
    assert not (tmp_path / "ledger").exists()


def test_the_list_names_every_comparison(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["reproduce", "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines][:2] == ["A1", "A2"]
    assert len(lines) >= 45
    assert all(len(line.split()) > 2 for line in lines)


def test_the_record_of_a_check_names_no_folder(cli: Cli, tmp_path: Path) -> None:
    done = cli("reproduce", "A12", f"out={tmp_path / 'somewhere'}")
    assert done.returncode == 0, done.stderr
    records = [json.loads(path.read_text()) for path in tmp_path.glob("runs/.checks/*/run.json")]
    commands = {record["provenance"]["command"] for record in records}
    assert commands == {"bnexp reproduce A12 out=somewhere"}


def test_a_missing_dataset_is_named_where_cells_may_be_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(["reproduce", "B13", "data=image_folder", f"data.root={tmp_path / 'nowhere'}"]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert "nowhere" in line
