import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bnexp.report.reading import read_records
from bnexp.runs.places import run_lock
from tests.report.records import write_run


def reasons(runs_dir: Path) -> dict[str, str]:
    skipped = read_records(runs_dir).skipped
    return {Path(f).name: r for f, r in zip(skipped["folder"], skipped["reason"], strict=True)}


def test_whole_records_are_kept_and_sorted(tmp_path: Path) -> None:
    folders = [write_run(tmp_path, "batch", seed) for seed in range(4)]
    runs = read_records(tmp_path)
    assert list(runs.runs["run"]) == sorted(folder.name[-12:] for folder in folders)
    assert runs.skipped.empty


def test_every_unusable_folder_is_listed_with_its_reason(tmp_path: Path) -> None:
    write_run(tmp_path, "batch", 0)
    failed = write_run(tmp_path, "batch", 1, status="failed")
    stopped = write_run(tmp_path, "batch", 2, status="running")
    running = write_run(tmp_path, "batch", 3, status="running")
    (tmp_path / "empty").mkdir()
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "run.json").write_text('"hello"')
    future = write_run(tmp_path, "batch", 4)
    header = json.loads((future / "run.json").read_text())
    (future / "run.json").write_text(json.dumps(header | {"format": 99}))
    half = write_run(tmp_path, "batch", 5)
    (half / "run.json").write_text((half / "run.json").read_text()[:200])
    bare = write_run(tmp_path, "batch", 6)
    (bare / "run.json").write_text('{"format": 1, "status": "done"}')
    with run_lock(tmp_path, running.name[-12:]):
        found = reasons(tmp_path)
    assert found.pop("empty") == "no run.json"
    assert found.pop(failed.name) == "failed: RuntimeError: no luck"
    assert found.pop(stopped.name) == "interrupted"
    assert found.pop(running.name) == "running"
    assert set(found) == {"foreign", future.name, half.name, bare.name}
    assert all(found.values())
    assert len(read_records(tmp_path).runs) == 1


@pytest.mark.parametrize("table", ["steps", "epochs", "gradients", "histograms"])
@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda data: data[: len(data) * 2 // 3], "is cut off"),
        (lambda data: data[: data.index(b"\n") + 1], "is cut off"),
        (lambda data: b"", "has other columns"),
        (lambda data: b"\xff\x00 not a table", "has other columns"),
        (lambda data: data.replace(b"step", b"steps", 1), "has other columns"),
        (lambda data: data.replace(b"\n0", b"\nzero", 1), "is damaged in line"),
        (lambda data: data + b"garbage\n", "is damaged in line"),
    ],
)
def test_damaged_tables(
    table: str, damage: Callable[[bytes], bytes], reason: str, tmp_path: Path
) -> None:
    folder = write_run(tmp_path, "batch", 0)
    path = folder / f"{table}.csv"
    path.write_bytes(damage(path.read_bytes()))
    assert reasons(tmp_path)[folder.name].startswith(f"{table}.csv {reason}")


def test_what_is_no_number_or_missing(tmp_path: Path) -> None:
    one, other = (write_run(tmp_path, "batch", seed) for seed in range(2))
    path = one / "steps.csv"
    path.write_bytes(path.read_bytes().replace(b"0.1,", b"zero,", 1))
    (other / "epochs.csv").unlink()
    assert reasons(tmp_path) == {
        one.name: "steps.csv is damaged in line 2",
        other.name: "epochs.csv is missing",
    }
