"""A run that is trained again: the old record is set aside until the new one is done.

The moves are such that a process killed between any two of them loses nothing.
"""

import shutil
from pathlib import Path

from bnexp.errors import UserError
from bnexp.runs.files import write_text
from bnexp.runs.header import read_header

FOLDER = ".replaced"  # in the folder of runs
FAILED = ".failed"  # ends the name of a new record that gives way to the old one


def set_aside(folder: Path) -> None:
    """Move a done run, or a damaged record, out of the way. Raises UserError for a link."""
    if folder.is_symlink():
        raise UserError(f"{folder}: is a link; a run is trained again in its own folder only")
    aside = _aside(folder)
    header = read_header(folder)
    if aside.is_dir() and (header is None or header["status"] != "done"):
        return  # what is aside already was done
    shutil.rmtree(aside, ignore_errors=True)
    aside.parent.mkdir(exist_ok=True)
    folder.rename(aside)


def recover(folder: Path) -> None:
    """Put back what was set aside by a process that was killed before it began anew."""
    if _aside(folder).is_dir() and not folder.exists():
        _aside(folder).rename(folder)


def restore(folder: Path) -> None:
    """Put the old record, if there is one, in the place of a new one that failed.

    Of the new one `error.txt` is kept.
    """
    aside = _aside(folder)
    if not aside.is_dir():
        return
    failed = aside.with_name(folder.name + FAILED)
    shutil.rmtree(failed, ignore_errors=True)
    folder.rename(failed)
    aside.rename(folder)
    if (failed / "error.txt").is_file():
        write_text(folder / "error.txt", (failed / "error.txt").read_text(errors="replace"))
    shutil.rmtree(failed, ignore_errors=True)


def discard(folder: Path) -> None:
    """Remove the old record: the new one is done."""
    shutil.rmtree(_aside(folder), ignore_errors=True)


def _aside(folder: Path) -> Path:
    return folder.parent / FOLDER / folder.name
