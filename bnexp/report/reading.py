"""Records for a report: those whose tables are whole, the others listed with the reason."""

from functools import partial
from itertools import chain
from pathlib import Path

import pandas as pd

from bnexp.report.forked import forked
from bnexp.runs.record import COLUMNS
from bnexp.runs.tables import DamagedTable, Runs, load_runs, table_bytes

AT_ONCE = 1_000  # runs that a process looks at


def read_records(*folders: str | Path) -> Runs:
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
    ends = list(zip(table["folder"], table["status"], table["outcome"], strict=True))
    parts = [ends[i : i + AT_ONCE] for i in range(0, len(ends), AT_ONCE)]
    found = forked([partial(_all_left_out, part) for part in parts])
    why = pd.Series([*chain.from_iterable(found)], index=table.index, dtype=object)
    left_out = table[why.notna()].copy()
    left_out["reason"] = [
        status if not isinstance(words, str) or status == "running" else f"{status}: {words}"
        for status, words in zip(why.dropna(), left_out["reason"], strict=True)
    ]
    skipped = pd.concat([runs.skipped, left_out], ignore_index=True)
    kept = table[why.isna()].sort_values("run", ignore_index=True)
    return Runs(kept, skipped.sort_values(["reason", "folder"], ignore_index=True))


def _all_left_out(ends: list[tuple[str, str, str | None]]) -> list[str | None]:
    return [_left_out(*end) for end in ends]


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
