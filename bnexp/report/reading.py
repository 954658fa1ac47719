"""Records for a report: those whose tables are whole, the others listed with the reason."""

import re
from pathlib import Path

import pandas as pd

from bnexp.errors import UserError
from bnexp.runs.record import COLUMNS
from bnexp.runs.tables import TEXT, Runs, load_runs

NUMBER = rb"(?:[-+]?+\d[\d.eE+-]*+|[-+]?(?:inf|nan)|)"


def _rows(columns: tuple[str, ...]) -> re.Pattern[bytes]:
    """Rows of a table as training writes them, none of them cut or garbled."""
    cells = [rb"[^,\n]*" if name in TEXT else NUMBER for name in columns]
    return re.compile(b"(?:" + b",".join(cells) + b"\n)++")


ROWS = {name: _rows(columns) for name, columns in COLUMNS.items()}


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
    """What is wrong with a run's tables."""
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
        if not body.endswith(b"\n"):
            return f"{name}.csv is cut off"
        whole = ROWS[name].match(body)
        if not whole or whole.end() < len(body):
            line = body[: whole.end() if whole else 0].count(b"\n") + 2
            return f"{name}.csv is damaged in line {line}"
    return None
