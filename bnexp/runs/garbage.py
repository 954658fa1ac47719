"""What in a folder of runs is of no use any more."""

from pathlib import Path

from bnexp.runs.record import is_running, read_header


def garbage(runs_dir: Path) -> list[Path]:
    """Failed runs, killed ones without a checkpoint, folders without a record, leftovers.

    What a process is writing now is left out; what can go on from a checkpoint too.
    """
    found: list[Path] = []
    for folder in sorted(path for path in runs_dir.glob("[!.]*") if path.is_dir()):
        identity = folder.name.rpartition("-")[2]
        if is_running(runs_dir, identity):
            continue
        header = read_header(folder)
        status = None if header is None else header["status"]
        goes_on = status in ("interrupted", "running") and (folder / "checkpoint.pt").exists()
        if status == "done" or goes_on:
            found += sorted(folder.glob(".*.tmp"))
        elif _is_ours(folder):
            found.append(folder)
    replaced = runs_dir / ".replaced"  # by a rerun that never came to its end
    if not any(is_running(runs_dir, path.name.rpartition("-")[2]) for path in replaced.glob("*")):
        found += runs_dir.glob(".replaced")
    found += sorted((runs_dir / ".sweep").glob("stop-*"))
    found += sorted((runs_dir / ".sweep" / ".submitit").glob("*"))
    return found


def _is_ours(folder: Path) -> bool:
    """Whether a folder without a readable record was one of ours: nothing else is removed."""
    files = {path.name for path in folder.iterdir()}
    return bool(files & {"run.json", "config.yaml"}) or all(f.endswith(".tmp") for f in files)
