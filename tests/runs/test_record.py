import json
import math
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bnexp
from bnexp.cli import run
from bnexp.errors import UserError
from bnexp.runs import files
from bnexp.runs.files import write_text, write_texts
from bnexp.runs.header import read_header
from bnexp.runs.places import find_run, is_running, run_lock
from bnexp.runs.record import COLUMNS
from tests.runs.records import make

STEPS: dict[str, list[tuple[Any, ...]]] = {
    "steps": [(0, 1, 2.5, 0.1, 0.01), (1, 1, 0.1 + 0.2, 0.1, 0.01)]
}


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    make(tmp_path, "a" * 12, preset="mlp_bn", accuracy=0.5, tables=STEPS)
    make(tmp_path, "b" * 12, "failed", preset="mlp_bn", tables=STEPS)
    runs = bnexp.load_runs(tmp_path)
    assert list(runs.runs["run"]) == ["a" * 12, "b" * 12]
    first = runs.runs.iloc[0]
    assert first["status"] == "done"
    assert first["model.norm_options.eps"] == 1e-5
    assert first["val_accuracy"] == 0.5
    assert first["provenance.torch"] == "1"
    assert list(runs.steps.columns) == ["run", *COLUMNS["steps"]]
    assert list(runs.steps["loss"]) == [2.5, 0.1 + 0.2] * 2
    assert runs.measures.empty
    assert list(runs.measures.columns) == ["run", *COLUMNS["measures"]]
    assert len(bnexp.load_runs(tmp_path / ("mlp_bn-" + "a" * 12)).runs) == 1


@settings(deadline=None)
@given(st.floats(allow_nan=True, allow_infinity=True))
def test_numbers_survive_exactly(value: float) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        make(Path(name), "a" * 12, tables={"measures": [(0, "layer", "value", value)]})
        read = bnexp.load_runs(name).measures["value"].item()
    assert read == value or (math.isnan(read) and math.isnan(value))


def test_unreadable_folders_are_listed_with_the_reason(tmp_path: Path) -> None:
    make(tmp_path, "a" * 12)
    (tmp_path / "notes").mkdir()
    (tmp_path / "truncated").mkdir()
    (tmp_path / "truncated" / "run.json").write_text('{"format": 1, "sta')
    (tmp_path / "future").mkdir()
    (tmp_path / "future" / "run.json").write_text(json.dumps({"format": 99}))
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "run.json").write_text("[1, 2]")
    runs = bnexp.load_runs(tmp_path)
    assert len(runs.runs) == 1
    skipped = dict(zip(runs.skipped["folder"], runs.skipped["reason"], strict=True))
    assert skipped[str(tmp_path / "notes")] == "no run.json"
    assert {Path(folder).name for folder in skipped} == {"notes", "truncated", "future", "foreign"}


@pytest.mark.parametrize("name", ["nowhere", "empty", "notes"])
def test_where_no_run_is_it_is_said(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes" / "of mine").mkdir(parents=True)
    with pytest.raises(UserError, match=f"{name}: (no such folder|holds no run)"):
        bnexp.load_runs(tmp_path / name)


def test_a_table_that_no_run_has_is_empty(tmp_path: Path) -> None:
    make(tmp_path, "a" * 12)
    gradients = bnexp.load_runs(tmp_path).gradients
    assert list(gradients.columns) == ["run", *COLUMNS["gradients"]]
    assert gradients.empty


def test_running_without_a_process_was_interrupted(tmp_path: Path) -> None:
    make(tmp_path, "a" * 12, "running")
    with run_lock(tmp_path, "a" * 12):
        assert is_running(tmp_path, "a" * 12)
        assert bnexp.load_runs(tmp_path).runs["status"].item() == "running"
    assert not is_running(tmp_path, "a" * 12)
    assert bnexp.load_runs(tmp_path).runs["status"].item() == "interrupted"


def test_a_run_is_found_under_any_preset(tmp_path: Path) -> None:
    folder = make(tmp_path, "a" * 12).folder
    assert find_run(tmp_path, "a" * 12, "other") == folder
    assert find_run(tmp_path, "b" * 12, "other") == tmp_path / f"other-{'b' * 12}"


def test_a_record_is_cut_after_a_step(tmp_path: Path) -> None:
    record = make(tmp_path, "a" * 12, tables=STEPS)
    record.tables["measures"] = [(0, "l", "n", 1.0), (5, "l", "n", 2.0)]
    record.cut(0)
    assert [row[0] for row in record.tables["steps"]] == [0]
    assert record.tables["measures"] == [(0, "l", "n", 1.0)]


def test_a_write_that_fails_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    write_text(path, "old")

    def broken(_: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(files.os, "fsync", broken)
    with pytest.raises(OSError, match="disk full"):
        write_text(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_of_several_files_all_are_new_or_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [tmp_path / name for name in ("a", "b", "c")]
    write_texts(dict.fromkeys(names, "old"))
    calls: list[int] = []

    def broken(file: int) -> None:
        calls.append(file)
        if len(calls) == 3:
            raise OSError("disk full")

    monkeypatch.setattr(files.os, "fsync", broken)
    with pytest.raises(OSError, match="disk full"):
        write_texts(dict.fromkeys(names, "new"))
    assert len(calls) == 3  # every one is brought to the disk before the first is renamed
    assert [path.read_text() for path in sorted(tmp_path.iterdir())] == ["old"] * 3
    monkeypatch.undo()
    write_texts({**dict.fromkeys(names, "new"), tmp_path / "d": ""})
    assert [path.read_text() for path in sorted(tmp_path.iterdir())] == ["new"] * 3 + [""]
    write_texts({})


def test_a_header_of_another_format_is_no_header(tmp_path: Path) -> None:
    record = make(tmp_path, "a" * 12)
    assert read_header(record.folder)["status"] == "done"  # type: ignore[index]
    (record.folder / "run.json").write_text('{"format": 2}')
    assert read_header(record.folder) is None


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o002, 0o664), (0o077, 0o600)])
def test_who_may_read_a_record_is_for_the_umask_to_say(
    tmp_path: Path, umask: int, mode: int
) -> None:
    before = os.umask(umask)
    try:
        folder = make(tmp_path, "a" * 12, tables=STEPS).folder
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {mode}


def test_a_run_whose_first_files_a_power_cut_emptied_is_trained_again(tmp_path: Path) -> None:
    """They are not waited for at the start of a run."""
    line = ["train", "model=mlp", "training.max_steps=2", "training.epochs=1", "probes=none"]
    line += ["device=cpu", "threads=1", f"runs_dir={tmp_path}"]
    assert run(line) == 0
    [folder] = tmp_path.glob("mlp-*")
    before = json.loads((folder / "run.json").read_text())["results"]["test_loss"]
    for name in ("config.yaml", "run.json", "epochs.csv"):
        (folder / name).write_text("")
    assert run(line) == 0
    found = json.loads((folder / "run.json").read_text())
    assert (found["status"], found["results"]["test_loss"]) == ("done", before)
