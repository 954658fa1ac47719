"""Records for a report: those whose tables are whole, the others listed with the reason."""

from pathlib import Path

import pandas as pd

from bnexp.runs.record import COLUMNS
from bnexp.runs.tables import DamagedTable, Runs, load_runs, table_bytes


def read(*folders: str | Path) -> Runs:
    """Read the records below `folders` (default `runs`), leaving out what cannot be used.

    Runs that are not done, and runs whose tables are damaged, go to `skipped` with the reason.
    Raises UserError for a folder that does not exist or holds no run.
    """
    return usable(load_runs(*folders))


def usable(runs: Runs) -> Runs:
    """Move runs that are not done or damaged to `skipped`; sort the rest by identity.

    What was moved keeps its configuration, so that an arm can say how many runs it lacks.
    """
    table = runs.runs
    ends = zip(table["folder"], table["status"], table["outcome"], strict=True)
    why = pd.Series([_left_out(*end) for end in ends], index=table.index, dtype=object)
    left_out = table[why.notna()].copy()
    left_out["reason"] = [
        status if not isinstance(words, str) or status == "running" else f"{status}: {words}"
        for status, words in zip(why.dropna(), left_out["reason"], strict=True)
    ]
    skipped = pd.concat([runs.skipped, left_out], ignore_index=True)
    kept = table[why.isna()].sort_values("run", ignore_index=True)
    return Runs(kept, skipped.sort_values(["reason", "folder"], ignore_index=True))


def _left_out(folder: str, status: str, outcome: str | None) -> str | None:
    return _damage(Path(folder), outcome) if status == "done" else str(status)


def _damage(folder: Path, outcome: str | None) -> str | None:
    """What is wrong with a run's tables."""
    for name in COLUMNS:
        try:
            data = table_bytes(folder, name)
        except DamagedTable as damage:
            return str(damage)
        if name == "epochs" and data is None and outcome != "measured":
            return "epochs.csv is missing"
    return None
