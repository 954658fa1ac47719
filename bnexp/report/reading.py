"""Records for a report: those whose tables are whole, the others listed with the reason."""

from pathlib import Path

import pandas as pd

from bnexp.errors import UserError
from bnexp.runs.record import COLUMNS
from bnexp.runs.tables import Runs, load_runs

NUMERIC = (b"steps", b"epochs")  # tables that hold nothing but numbers
DIGITS = b"0123456789+-.eEinfa,\n"


def read(*folders: str | Path) -> Runs:
    """Read the records below `folders` (default `runs`), leaving out what cannot be used.

    Runs that are not done, and runs whose tables are damaged, go to `skipped` with the reason.
    Raises UserError where a folder does not exist.
    """
    for folder in folders or ("runs",):
        if not Path(folder).is_dir():
            raise UserError(f"{folder}: no such folder; `bnexp train` writes records to runs/")
    return usable(load_runs(*folders))


def usable(runs: Runs) -> Runs:
    """Move runs that are not done or damaged to `skipped`; sort the rest by identity.

    What was moved keeps its configuration, so that an arm can say how many runs it lacks.
    """
    table = runs.runs
    pairs = zip(table["folder"], table["status"], strict=True)
    why = pd.Series([_left_out(*pair) for pair in pairs], index=table.index, dtype=object)
    left_out = table[why.notna()].copy()
    left_out["reason"] = [
        status if not isinstance(words, str) or status == "running" else f"{status}: {words}"
        for status, words in zip(why.dropna(), left_out["reason"], strict=True)
    ]
    skipped = pd.concat([runs.skipped, left_out], ignore_index=True)
    kept = table[why.isna()].sort_values("run", ignore_index=True)
    return Runs(kept, skipped.sort_values(["reason", "folder"], ignore_index=True))


def _left_out(folder: str, status: str) -> str | None:
    return _damage(Path(folder)) if status == "done" else str(status)


def _damage(folder: Path) -> str | None:
    """What is wrong with a run's tables, as far as a look at their bytes tells."""
    for name, columns in COLUMNS.items():
        try:
            data = (folder / f"{name}.csv").read_bytes()
        except FileNotFoundError:
            if name == "epochs":
                return "epochs.csv is missing"
            continue
        except OSError as error:
            return f"{name}.csv cannot be read: {error.strerror}"
        header, _, body = data.partition(b"\n")
        if header != ",".join(columns).encode():
            return f"{name}.csv has other columns than this version writes"
        lines = body.count(b"\n")
        if not lines or not body.endswith(b"\n") or body.count(b",") != lines * (len(columns) - 1):
            return f"{name}.csv is cut off"
        if name.encode() in NUMERIC and body.translate(None, DIGITS):
            return f"{name}.csv holds something that is no number"
    return None
