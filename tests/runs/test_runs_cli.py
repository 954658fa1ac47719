import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from bnexp.cli import run
from bnexp.errors import UserError
from bnexp.runs.cli import main
from tests.runs.records import make

A, B, C, D, E = (f"{start}00000000" for start in ("aa11", "aa22", "bb33", "cc44", "dd55"))
NAMES = {f"mlp-{A}", f"mlp-{B}", f"mlp_bn-{C}", f"mlp_bn-{D}", f"mlp_bn-{E}"}


@pytest.fixture(autouse=True)
def _runs() -> None:
    runs = Path("runs")
    make(runs, A, seed=0, accuracy=0.9)
    make(runs, B, seed=1, outcome="diverged", accuracy=None)
    make(runs, C, preset="mlp_bn", seed=0, accuracy=0.95, threads=3)
    make(runs, D, "failed", preset="mlp_bn", seed=1, reason="[/red] =1+1|x\n\x1b[31m")
    make(runs, E, "running", preset="mlp_bn", seed=2)


def names() -> set[str]:
    return {path.name for path in Path("runs").glob("[!.]*")}


def rows(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    assert main([*arguments, "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert isinstance(found, list)
    return found


def test_the_list_is_of_arms(capsys: pytest.CaptureFixture[str]) -> None:
    assert rows(capsys) == [
        {"model.norm": "none", "seeds": 2, "done": 2, "trained": 1, "median_test_accuracy": 0.9},
        {"model.norm": "batch", "seeds": 3, "done": 1, "trained": 1, "median_test_accuracy": 0.95},
    ]
    assert main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["arm", "seeds", "done", "trained", "median", "accuracy"]
    assert lines[-3:] == [
        "2 arms of 5 runs",
        "1 failed, 1 interrupted: bnexp runs --each status=failed,interrupted",
        "each run: bnexp runs --each    figures: bnexp report",
    ]


def test_each_shows_the_settings_that_differ(capsys: pytest.CaptureFixture[str]) -> None:
    found = rows(capsys, "--each")
    assert [row["run"] for row in found] == [A, B, C, D, E]
    assert found[2] == {
        "run": C,
        "preset": "mlp_bn",
        "seed": 0,
        "model.norm": "batch",
        "status": "trained",
        "test_accuracy": 0.95,
        "seconds_total": 1.5,
    }
    statuses = ["trained", "diverged", "trained", "failed", "interrupted"]
    assert [row["status"] for row in found] == statuses


def test_a_table_fits_80_columns_and_cuts_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    widths = list(range(100, 140))
    make(Path("runs"), "ee" * 6, model__widths=widths)
    for arguments in ([], ["--each"], ["diff", A, "ee"]):
        main(arguments)
        shown = capsys.readouterr().out
        assert max(map(len, shown.splitlines())) <= 80
        assert all(str(width) in shown for width in widths)


def test_nothing_shown_is_markup_a_control_or_a_formula(
    capsys: pytest.CaptureFixture[str],
) -> None:
    main(["diff", C, D])
    shown = capsys.readouterr().out
    assert "[/red] =1+1|x\\n\\x1b[31m" in "".join(shown.split("   "))
    make(Path("runs"), "ff" * 6, preset="mlp", seed=9, model__norm="=cmd|x.y")
    main(["--each", "--format", "csv"])
    read = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["model.norm"] for row in read if row["run"] == "ff" * 6] == ["'=cmd|x.y"]


def test_csv_holds_what_json_holds(capsys: pytest.CaptureFixture[str]) -> None:
    found = rows(capsys, "--each")
    main(["--each", "--format", "csv"])
    read = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [list(row) for row in read] == [list(row) for row in found]
    assert [row["run"] for row in read] == [row["run"] for row in found]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (["preset=mlp*"], [A, B, C, D, E]),
        (["preset=mlp", "outcome=trained"], [A]),
        (["model.norm=batch,group", "status=done,failed"], [C, D]),
        (["seed=1.0"], [B, D]),
        (["seed>=1", "status!=failed"], [B, E]),
        (["test_accuracy=null", "status=done"], [B]),
        (["status=nothing"], []),
    ],
)
def test_filters(
    filters: list[str], expected: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert [row["run"] for row in rows(capsys, "--each", *filters)] == expected


def test_diff_shows_settings_and_results(capsys: pytest.CaptureFixture[str]) -> None:
    found = {row["key"]: row for row in rows(capsys, "diff", "aa1", f"runs/mlp_bn-{C}")}
    assert found["model.norm"] == {
        "what": "setting",
        "key": "model.norm",
        "A": "none",
        "B": "batch",
    }
    assert found["test_accuracy"]["what"] == "result"
    assert (found["test_accuracy"]["A"], found["test_accuracy"]["B"]) == (0.9, 0.95)
    assert not found.keys() & {"seed", "optimizer.lr", "steps", "provenance.torch"}


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["diff", "aa", C], "2 runs begin so"),
        (["diff", "zz", C], "no such run"),
        (["diff", C], "name two runs"),
        (["rm"], "name runs"),
        (["rm", ""], "without a name"),
        (["nonsense"], "must be a condition"),
        (["model.nrm=batch"], r"did you mean model\.norm\?"),
        (["gc", "now"], "gc takes no names"),
        (["--runs-dir", "nowhere"], "nowhere: no such folder"),
        (["--runs-dir", "nowhere", "gc"], "nowhere: no such folder"),
        (["--runs-dir", "."], "holds no run"),
    ],
)
def test_complaints(arguments: list[str], complaint: str) -> None:
    with pytest.raises(UserError, match=complaint):
        main(arguments)


def test_where_nothing_was_trained_yet_it_says_so(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path.parent)
    assert run(["runs"]) == 0
    assert "no runs here yet" in capsys.readouterr().out


def test_nothing_is_removed_unasked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("builtins.input", lambda question: "")
    assert main(["rm", "status=failed"]) == 1
    assert f"runs/mlp_bn-{D}" in capsys.readouterr().out
    assert names() == NAMES
    monkeypatch.setattr("builtins.input", lambda question: "y")
    assert main(["rm", "status=failed", "aa11"]) == 0
    assert names() == NAMES - {f"mlp_bn-{D}", f"mlp-{A}"}
