"""Where runs lie: their folders, found by identity, and the locks of those being trained."""

import re
from collections.abc import Iterable
from pathlib import Path

from filelock import FileLock, Timeout

from bnexp.runs.header import IDENTITY, read_header

NAME = re.compile(rf"(?P<preset>.+)-(?P<identity>{IDENTITY})")  # of a run's folder


def named_identity(folder: Path) -> str | None:
    """The identity that a folder's name ends in."""
    found = NAME.fullmatch(folder.name)
    return found["identity"] if found else None


def by_identity(runs_dir: Path) -> dict[str, list[Path]]:
    """The folders in a folder of runs by the identity at the end of their names."""
    found: dict[str, list[Path]] = {}
    for path in sorted(runs_dir.glob("[!.]*-*")):
        if identity := named_identity(path):
            found.setdefault(identity, []).append(path)
    return found


def find_run(
    runs_dir: Path, identity: str, preset: str, among: Iterable[Path] | None = None
) -> Path:
    """The folder of this identity, under whichever preset it was begun, or the one to make.

    Only a folder whose name fits its own record counts, so no renamed copy; a done one comes
    first. `among` saves looking through `runs_dir` for each of many runs.
    """
    own = runs_dir / f"{preset}-{identity}"
    candidates = sorted(runs_dir.glob(f"[!.]*-{identity}")) if among is None else among
    found = []
    for folder in candidates:
        header = read_header(folder)
        if header and f"{header['preset']}-{header['identity']}" == folder.name:
            found.append((header["status"] != "done", folder != own, folder))
    return min(found)[2] if found else own


def run_lock(runs_dir: Path, identity: str) -> FileLock:
    """The lock that the process training this run holds; the system frees it if it dies."""
    if not re.fullmatch(IDENTITY, identity):
        raise ValueError(f"{identity!r} is no identity: 12 of 0-9 and a-f")
    folder = runs_dir / ".locks"
    folder.mkdir(parents=True, exist_ok=True)
    return FileLock(folder / identity, blocking=False)


def is_running(runs_dir: Path, identity: str) -> bool:
    """Whether a process is training this run now; true also where that cannot be found out."""
    if not (runs_dir / ".locks" / identity).exists():
        return False
    try:
        with run_lock(runs_dir, identity):
            return False
    except (Timeout, OSError):
        return True
