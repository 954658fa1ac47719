import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from bnexp.cli import run
from bnexp.errors import UserError
from bnexp.runs.cli import main
from bnexp.runs.record import Record, run_lock

RUNS = {
    "mlp-aa11": ("done", "trained", {"seed": 0, "model": {"norm": "none"}}, 0.9),
    "mlp-aa22": ("done", "diverged", {"seed": 1, "model": {"norm": "none"}}, None),
    "mlp_bn-bb33": ("done", "trained", {"seed": 0, "model": {"norm": "batch"}}, 0.95),
    "mlp_bn-cc44": ("failed", None, {"seed": 1, "model": {"norm": "batch"}}, None),
    "mlp_bn-dd55": ("running", None, {"seed": 2, "model": {"norm": "batch"}}, None),
}


@pytest.fixture(autouse=True)
def _runs() -> None:
    for name, (status, outcome, config, accuracy) in RUNS.items():
        preset, identity = name.split("-")
        header = {"identity": identity, "preset": preset, "provenance": {"threads": 1}}
        record = Record(Path("runs") / name, header)
        record.start(config | {"device": "cpu", "threads": len(name), "optimizer": {"lr": 0.1}})
        results = {"test_accuracy": accuracy, "seconds_total": 1.5, "steps": 7}
        record.mark(status, outcome=outcome, results=results if outcome else None)


def rows(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    assert main([*arguments, "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert isinstance(found, list)
    return found


def test_the_list_shows_the_settings_that_differ(capsys: pytest.CaptureFixture[str]) -> None:
    found = rows(capsys)
    assert [row["run"] for row in found] == ["aa11", "aa22", "bb33", "cc44", "dd55"]
    assert found[2] == {
        "run": "bb33",
        "preset": "mlp_bn",
        "seed": 0,
        "model.norm": "batch",
        "status": "trained",
        "test_accuracy": 0.95,
        "seconds_total": 1.5,
    }
    statuses = ["trained", "diverged", "trained", "failed", "interrupted"]
    assert [row["status"] for row in found] == statuses


def test_csv_and_table_say_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--format", "csv"])
    read = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    main([])
    table = capsys.readouterr().out.splitlines()
    assert table[0].split() == list(read[0])
    assert table[2].split() == list(read[0].values())
    assert table[-1] == " 5 rows"


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (["preset=mlp*"], ["aa11", "aa22", "bb33", "cc44", "dd55"]),
        (["preset=mlp", "outcome=trained"], ["aa11"]),
        (["model.norm=batch,group", "status=done,failed"], ["bb33", "cc44"]),
        (["seed=1.0"], ["aa22", "cc44"]),
        (["test_accuracy=null", "status=done"], ["aa22"]),
        (["status=nothing"], []),
    ],
)
def test_filters(
    filters: list[str], expected: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert [row["run"] for row in rows(capsys, *filters)] == expected


def test_diff_shows_settings_and_results(capsys: pytest.CaptureFixture[str]) -> None:
    found = {row["key"]: row for row in rows(capsys, "diff", "aa1", "runs/mlp_bn-bb33")}
    assert found["model.norm"] == {
        "what": "setting",
        "key": "model.norm",
        "A": "none",
        "B": "batch",
    }
    assert found["test_accuracy"]["what"] == "result"
    assert (found["test_accuracy"]["A"], found["test_accuracy"]["B"]) == (0.9, 0.95)
    assert not found.keys() & {"seed", "optimizer.lr", "steps", "provenance.threads"}


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["diff", "aa", "bb33"], "2 runs begin so"),
        (["diff", "zz", "bb33"], "no such run"),
        (["diff", "bb33"], "name two runs"),
        (["rm"], "name runs"),
        (["nonsense"], "a filter is KEY=VALUE"),
        (["model.nrm=batch"], "nearest: model.norm"),
    ],
)
def test_complaints(arguments: list[str], complaint: str) -> None:
    with pytest.raises(UserError, match=complaint):
        main(arguments)


def test_nothing_is_removed_unasked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("builtins.input", lambda question: "")
    assert main(["rm", "status=failed"]) == 1
    assert "runs/mlp_bn-cc44" in capsys.readouterr().out
    assert Path("runs/mlp_bn-cc44").exists()
    monkeypatch.setattr("builtins.input", lambda question: "y")
    assert main(["rm", "status=failed", "aa11"]) == 0
    assert sorted(path.name for path in Path("runs").glob("[!.]*")) == sorted(
        RUNS.keys() - {"mlp_bn-cc44", "mlp-aa11"}
    )


def test_gc_removes_what_is_of_no_use_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    runs = Path("runs")
    goes_on = Record(runs / "mlp-ee66", {"identity": "ee66", "preset": "mlp", "provenance": {}})
    goes_on.start({"seed": 5})
    (runs / "mlp-ee66" / "checkpoint.pt").write_text("")
    (runs / "mlp-ee66" / ".checkpoint.pt.x.tmp").write_text("")
    (runs / "mlp-ff77").mkdir()
    (runs / "mlp-ff77" / "config.yaml").write_text("")
    (runs / "notes").mkdir()
    (runs / "notes" / "mine.txt").write_text("keep me")
    (runs / ".replaced" / "mlp-aa11").mkdir(parents=True)
    busy = Record(runs / "mlp-ab88", {"identity": "ab88", "preset": "mlp", "provenance": {}})
    busy.start({"seed": 6})
    with run_lock(runs, "ab88"):
        assert main(["gc", "--yes"]) == 0
    kept = {"mlp-aa11", "mlp-aa22", "mlp_bn-bb33", "mlp-ee66", "mlp-ab88", "notes"}
    assert {path.name for path in runs.glob("[!.]*")} == kept
    assert [path.name for path in (runs / "mlp-ee66").iterdir() if "tmp" in path.name] == []
    assert not (runs / ".replaced").exists()
    capsys.readouterr()
    assert main(["rm", "ab88", "-y"]) == 0


def test_no_runs_at_all(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(["runs", "--runs-dir", str(tmp_path / "none"), "status=failed"]) == 0
    assert "0 rows" in capsys.readouterr().out
