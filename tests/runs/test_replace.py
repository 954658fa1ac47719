"""A run that is trained again: the old record until the new one is done."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import bnexp
from bnexp.cli import run
from bnexp.runs.header import load_header, read_header
from bnexp.runs.places import find_run
from bnexp.runs.replace import discard, recover, restore, set_aside
from tests.runs.records import make

ARGUMENTS = ["train", "model=mlp", "data.train_size=200", "training.max_steps=3", "probes=none",
             "device=cpu", "training.epochs=1"]  # fmt: skip
A = "a" * 12
AGAIN = [*ARGUMENTS, "rerun=true"]


@pytest.fixture
def folder() -> Path:
    assert run(ARGUMENTS) == 0
    [folder] = Path("runs").glob("mlp-*")
    return folder


def written(folder: Path) -> str:
    return (folder / "steps.csv").read_text()


def broken(*_: object) -> None:
    raise RuntimeError("no luck")


def test_a_rerun_that_fails_gives_the_old_record_back(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = written(folder)
    with monkeypatch.context() as patch:
        patch.setattr("bnexp.training.run.Training", broken)
        assert run(AGAIN) == 1
    assert f"see {folder}/error.txt" in capsys.readouterr().err
    assert "no luck" in (folder / "error.txt").read_text()
    assert written(folder) == before
    assert load_header(folder)["status"] == "done"
    assert list(Path("runs/.replaced").iterdir()) == []
    assert run(ARGUMENTS) == 0
    assert "done before" in capsys.readouterr().out


def test_a_rerun_that_ends_removes_the_old_record(folder: Path) -> None:
    before = written(folder)
    assert run(AGAIN) == 0
    assert written(folder) != before  # it holds the seconds of each step
    assert list(Path("runs/.replaced").iterdir()) == []


class Killed(BaseException):
    """Stands for the end of the process."""


def killed_at(moment: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Die before the rename or removal of this number, counting from 0."""
    count = iter(range(1000))

    def dying(function: Callable[..., object]) -> Callable[..., object]:
        def maybe(*arguments: object, **options: object) -> object:
            if next(count) == moment:
                raise Killed
            return function(*arguments, **options)

        return maybe

    monkeypatch.setattr(Path, "rename", dying(Path.rename))
    monkeypatch.setattr("shutil.rmtree", dying(shutil.rmtree))


@pytest.mark.parametrize("ends", ["failed", "done"])
@pytest.mark.parametrize("moment", range(7))
def test_killed_between_any_two_moves_nothing_is_lost(
    moment: int, ends: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make(Path("runs"), A, reason="the old one").folder
    with monkeypatch.context() as patch:
        killed_at(moment, patch)
        try:
            set_aside(folder)
            make(Path("runs"), A, ends, reason="the new one")
            (restore if ends == "failed" else discard)(folder)
        except Killed:
            pass
    run(["runs", "gc", "--yes"])
    recover(folder)
    places = [folder, folder.parent / ".replaced" / folder.name]
    done = [header for header in map(read_header, places) if header and header["status"] == "done"]
    assert done
    assert ends == "done" or done[0]["reason"] == "the old one"


def test_a_damaged_record_is_set_aside_until_the_run_is_done_again(folder: Path) -> None:
    (folder / "run.json").write_text("{")
    (folder / "mine.txt").write_text("a note")
    assert run(ARGUMENTS) == 0
    assert load_header(folder)["status"] == "done"
    assert not (folder / "mine.txt").exists()


def test_a_damaged_record_comes_back_where_the_run_fails(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "run.json").write_text("{")
    before = written(folder)
    monkeypatch.setattr("bnexp.training.run.Training", broken)
    assert run(ARGUMENTS) == 1
    assert written(folder) == before


def test_a_run_of_a_later_format_is_left_alone(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (folder / "run.json").read_text().replace('"format": 1', '"format": 2')
    (folder / "run.json").write_text(text)
    assert run(AGAIN) == 2
    assert "is of format 2; this reads 1; move it away" in capsys.readouterr().err
    assert (folder / "run.json").read_text() == text


@pytest.mark.parametrize("keys", [ARGUMENTS, AGAIN])
def test_a_copy_beside_a_run_is_not_trained_again(keys: list[str], folder: Path) -> None:
    kept = folder.with_name(f"keep-{folder.name}")
    folder.rename(kept)
    before = written(kept)
    assert run(keys) == 0
    assert written(kept) == before
    assert load_header(folder)["status"] == "done"


def test_a_linked_run_is_read_and_never_trained_again(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder.rename("elsewhere")
    folder.symlink_to(Path("elsewhere").absolute())
    assert run(ARGUMENTS) == 0
    assert run(AGAIN) == 2
    assert f"{folder}: is a link" in capsys.readouterr().err
    assert load_header(Path("elsewhere"))["status"] == "done"
    folder.unlink()
    folder.symlink_to("nowhere")
    assert run(ARGUMENTS) == 2
    assert f"{folder}: is a link to nowhere" in capsys.readouterr().err


def test_a_done_run_where_nothing_can_be_written_is_done(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    monkeypatch.setattr("filelock.FileLock.acquire", refuse)
    assert run(ARGUMENTS) == 0
    assert "done before" in capsys.readouterr().out
    assert run(AGAIN) == 2
    assert "runs_dir=runs: cannot be written: Permission denied" in capsys.readouterr().err


def test_of_two_folders_with_one_run_the_done_one_counts(folder: Path) -> None:
    identity = folder.name[-12:]
    other = Path("runs") / f"also-{identity}"
    other.mkdir()
    header = load_header(folder) | {"preset": "also", "status": "failed", "outcome": None}
    (other / "run.json").write_text(json.dumps(header))
    loaded = bnexp.load_runs()
    assert list(loaded.runs["folder"]) == [str(folder)]
    assert loaded.skipped.to_dict("records") == [
        {"folder": str(other), "reason": f"the same run as {folder}, which is done"}
    ]
    assert find_run(Path("runs"), identity, "also") == folder
    assert run(["train", "-m", *ARGUMENTS[1:], "retry=failed"]) == 0
    assert load_header(other)["status"] == "failed"
