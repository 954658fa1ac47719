"""What `runs rm` and `runs gc` may remove, and what they never touch."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from bnexp.errors import UserError
from bnexp.runs.cli import main
from bnexp.runs.places import run_lock
from tests.runs.records import make

RUNS = Path("runs")
A, B, C = "a" * 12, "b" * 12, "c" * 12


def edit(folder: Path, /, **changes: Any) -> None:
    path = folder / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def names(folder: Path = RUNS) -> set[str]:
    return {path.name for path in folder.glob("[!.]*")}


def test_a_copy_elsewhere_is_not_the_run_here() -> None:
    make(RUNS, A)
    shutil.copytree(RUNS, "other")
    with pytest.raises(UserError, match="is not in runs; --runs-dir says where"):
        main(["rm", f"other/mlp-{A}", "-y"])
    assert names() == names(Path("other")) == {f"mlp-{A}"}
    assert main(["rm", f"other/mlp-{A}", "-y", "--runs-dir", "other"]) == 0
    assert (names(), names(Path("other"))) == ({f"mlp-{A}"}, set())


def test_a_copy_beside_the_run_is_not_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    make(RUNS, A)
    kept = RUNS / f"keep-mlp-{A}"
    shutil.copytree(RUNS / f"mlp-{A}", kept)
    main(["rm", str(kept), "-y"])
    assert f"left alone {kept}: holds the record of mlp-{A}" in capsys.readouterr().err
    assert main(["rm", f"mlp-{A}", "-y"]) == 0
    assert names() == {kept.name}


@pytest.mark.parametrize("place", ["results", "config", "header"])
def test_what_a_file_says_does_not_say_where_it_lies(place: str) -> None:
    Path("precious").mkdir()
    make(Path("precious"), B)
    record = make(RUNS, A)
    header = json.loads((record.folder / "run.json").read_text())
    false = {"folder": "precious", "run": B, "status": "failed", "preset": "x"}
    if place == "header":
        edit(record.folder, folder="precious", run=B)
    else:
        edit(record.folder, **{place: header[place] | false})
    assert main(["rm", "status=done", "-y"]) == 0
    assert names() == set()
    assert Path("precious").exists()


def test_an_identity_that_is_a_path_locks_and_removes_nothing() -> None:
    Path("x").write_text("precious")
    make(RUNS, B)
    edit(make(RUNS, A, "running").folder, identity="../../x")
    main(["rm", "status=done", "-y"])
    main(["gc", "-y"])
    assert names() == {f"mlp-{A}"}
    assert Path("x").read_text() == "precious"
    with pytest.raises(ValueError, match="is no identity"):
        run_lock(RUNS, "../../x")


def test_a_link_is_not_followed(capsys: pytest.CaptureFixture[str]) -> None:
    real = make(Path("elsewhere"), A).folder
    make(RUNS, B)
    (RUNS / real.name).symlink_to(real.absolute())
    with pytest.raises(UserError, match="is a link"):
        main(["rm", str(RUNS / real.name), "-y"])
    assert main(["rm", "status=done", "-y"]) == 0
    assert f"left alone {RUNS / real.name}: is a link" in capsys.readouterr().err
    assert main(["gc", "-y"]) == 0
    assert names() == {real.name}
    assert (real / "run.json").exists()


def test_what_is_no_record_is_not_removed_by_name() -> None:
    make(RUNS, A)
    (RUNS / "notes").mkdir()
    with pytest.raises(UserError, match="holds no record that can be read"):
        main(["rm", "runs/notes", "-y"])
    assert names() == {f"mlp-{A}", "notes"}


def test_gc_removes_what_is_of_no_use(capsys: pytest.CaptureFixture[str]) -> None:
    make(RUNS, A)
    make(RUNS, B, "failed")
    make(RUNS, C, "interrupted")
    goes_on = make(RUNS, "d" * 12, "running").folder
    for name in ("checkpoint.pt", ".checkpoint.pt.x.tmp", ".mine.tmp"):
        (goes_on / name).write_text("")
    (RUNS / f"mlp-{'e' * 12}").mkdir()
    (RUNS / f"mlp-{'e' * 12}" / "config.yaml").write_text("")
    busy = make(RUNS, "f" * 12, "running")
    with run_lock(RUNS, "f" * 12):
        assert main(["gc", "--yes"]) == 0
    assert names() == {f"mlp-{A}", goes_on.name, busy.folder.name}
    assert (goes_on / ".mine.tmp").exists()
    assert not (goes_on / ".checkpoint.pt.x.tmp").exists()
    capsys.readouterr()
    assert main(["rm", "f" * 12, "-y"]) == 0


def others() -> dict[str, str]:
    """Folders that gc must name and leave, with the reason."""
    later = make(RUNS, A).folder
    edit(later, format=2)
    damaged = make(RUNS, B).folder
    (damaged / "run.json").write_text('{"format": 1')
    tool = RUNS / "1"
    tool.mkdir()
    (tool / "run.json").write_text('{"loss": 1}')
    (tool / "model.pt").write_text("")
    (RUNS / "notes").mkdir()
    half = RUNS / f"mlp-{C}"
    half.mkdir()
    (half / "config.yaml").write_text("")
    (half / "weights.pt").write_text("")
    return {
        later.name: "run.json is of format 2; this reads 1",
        damaged.name: "run.json is damaged",
        "1": "run.json is not bnexp's",
        "notes": "no run.json",
        half.name: "no run.json",
    }


def test_gc_names_and_leaves_what_is_not_surely_ours(capsys: pytest.CaptureFixture[str]) -> None:
    left = others()
    assert main(["gc", "--yes"]) == 0
    assert names() == set(left)
    said = capsys.readouterr().err
    for name, reason in left.items():
        assert f"left alone runs/{name}: {reason}" in said


def test_what_a_rerun_set_aside_is_kept_until_the_new_run_is_done(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for identity, status in ((A, "done"), (B, "failed")):
        make(RUNS, identity, status)
        make(RUNS / ".replaced", identity)
    (RUNS / ".replaced" / "thing").mkdir()
    assert main(["gc", "--yes"]) == 0
    said = capsys.readouterr()
    assert f"runs/.replaced/mlp-{A}" in said.out
    assert f"left alone runs/.replaced/mlp-{B}: set aside by a rerun that is not done" in said.err
    assert "left alone runs/.replaced/thing: holds no record" in said.err
    assert names() == {f"mlp-{A}"}
    assert names(RUNS / ".replaced") == {f"mlp-{B}", "thing"}


def test_of_two_folders_with_one_run_the_failed_one_can_be_removed() -> None:
    make(RUNS, A, "failed", preset="cnn")
    make(RUNS, A, preset="mlp")
    assert main(["rm", "status=failed", "-y"]) == 0
    assert names() == {f"mlp-{A}"}
