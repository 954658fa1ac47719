"""Files and folders among the runs that are of no use any more."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from bnexp.runs.header import Missing, Unreadable, load_header, read_header
from bnexp.runs.places import is_running, named_identity
from bnexp.runs.record import COLUMNS
from bnexp.runs.replace import FAILED
from bnexp.runs.replace import FOLDER as REPLACED

_TABLES = "|".join(COLUMNS)
_WRITTEN = rf"run\.json|config\.yaml|error\.txt|(checkpoint|weights)\.pt|({_TABLES})\.csv"
_TEMPORARY = re.compile(rf"\.({_WRITTEN})\.\w+\.tmp")


@dataclass
class Garbage:
    """What may be removed, and what was looked at and is left alone, with the reason."""

    remove: list[Path] = field(default_factory=list)
    left: list[tuple[Path, str]] = field(default_factory=list)


def garbage(runs_dir: Path) -> Garbage:
    """Failed runs, killed ones without a checkpoint, ones that barely began, leftovers.

    Only what certainly is ours, in our format, not done, and not being written now.
    """
    found = Garbage()
    for folder in sorted(path for path in runs_dir.glob("[!.]*") if path.is_dir()):
        identity = named_identity(folder)
        if identity is None or not is_running(runs_dir, identity):
            _sort(folder, found)
    for folder in sorted((runs_dir / REPLACED).glob("*")):
        _sort_replaced(folder, runs_dir / folder.name.removesuffix(FAILED), found)
    found.remove += sorted((runs_dir / ".sweep").glob("stop-*"))
    found.remove += sorted((runs_dir / ".sweep" / ".submitit").glob("*"))
    return found


def why_not_ours(folder: Path) -> str | None:
    """Why a folder may not be removed as a run: it is a link, or not that of its own record."""
    if folder.is_symlink():
        return "is a link"
    try:
        header = load_header(folder)
    except Unreadable as error:
        return str(error)
    name = f"{header['preset']}-{header['identity']}"
    return None if folder.name == name else f"holds the record of {name}"


def _sort(folder: Path, found: Garbage) -> None:
    """Sort one folder into `found`, as garbage or as left alone; a done run is neither."""
    if not folder.is_symlink() and _barely_began(folder):
        found.remove.append(folder)
    elif reason := why_not_ours(folder):
        found.left.append((folder, reason))
    elif _is_of_use(folder):
        found.remove += sorted(path for path in folder.iterdir() if _is_temporary(path))
    else:
        found.remove.append(folder)


def _is_of_use(folder: Path) -> bool:
    """Whether a run is done, or can go on from a checkpoint."""
    status = load_header(folder)["status"]
    return status == "done" or (status != "failed" and (folder / "checkpoint.pt").exists())


def _barely_began(folder: Path) -> bool:
    """Whether a run was killed before it wrote its first run.json."""
    try:
        load_header(folder)
    except Missing:
        files = list(folder.iterdir())
        written = all(path.name == "config.yaml" or _is_temporary(path) for path in files)
        return named_identity(folder) is not None and written
    except Unreadable:
        pass
    return False


def _is_temporary(path: Path) -> bool:
    """Whether a file is what an interrupted write of ours left."""
    return bool(_TEMPORARY.fullmatch(path.name)) and path.is_file() and not path.is_symlink()


def _sort_replaced(folder: Path, place: Path, found: Garbage) -> None:
    """After a rerun the old record may go once the new one is done, a failed one always."""
    identity = named_identity(place)
    if identity is not None and is_running(place.parent, identity):
        return
    new, old = read_header(place), read_header(folder)
    if folder.is_symlink() or old is None or old["identity"] != identity:
        found.left.append((folder, "holds no record that a rerun set aside"))
    elif old["status"] == "failed" or (new is not None and new["status"] == "done"):
        found.remove.append(folder)
    else:
        found.left.append((folder, "set aside by a rerun that is not done; train it to go on"))
