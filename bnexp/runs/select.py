"""Which runs are meant: filters, folders, beginnings of identities."""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path

import pandas as pd

from bnexp.errors import UserError


def select(runs: pd.DataFrame, filters: Iterable[str]) -> pd.DataFrame:
    """The rows of `load_runs(...).runs` for which every `KEY=VALUE` holds.

    VALUE is a pattern with `*`, or several after commas; numbers are compared as numbers.
    """
    problems = []
    for line in filters:
        key, equals, value = line.partition("=")
        if not equals:
            problems.append(f"runs {line}: a filter is KEY=VALUE, a command is diff, rm or gc")
        elif key not in runs.columns and len(runs):
            problems.append(f"runs {line}: no run here has the key {key}{_near(key, runs)}")
        elif len(runs):
            runs = runs[[_matches(found, value.split(",")) for found in runs[key]]]
    if problems:
        raise UserError(*problems)
    return runs


def find_one(runs: pd.DataFrame, name: str) -> pd.Series:
    """The row of the run with this folder, or whose identity begins so. Raises UserError."""
    if (Path(name) / "run.json").exists():
        identity = Path(name).name.rpartition("-")[2]
        found = runs[runs["run"] == identity]
    else:
        found = runs[[str(run).startswith(name) for run in runs["run"]]]
    if len(found) != 1:
        what = f"{len(found)} runs begin so" if len(found) else "no such run"
        raise UserError(f"runs {name}: {what}; `bnexp runs` lists them, --runs-dir says where")
    return found.iloc[0]


def _matches(found: object, patterns: list[str]) -> bool:
    missing = found is None or (isinstance(found, float) and pd.isna(found))
    text = "null" if missing else str(found)
    return any(fnmatchcase(text, pattern) or _equal(found, pattern) for pattern in patterns)


def _equal(found: object, pattern: str) -> bool:
    if isinstance(found, bool):
        return pattern.lower() == str(found).lower()
    try:
        return isinstance(found, int | float) and float(pattern) == found
    except ValueError:
        return False


def _near(key: str, runs: pd.DataFrame) -> str:
    from difflib import get_close_matches

    close = get_close_matches(key, [str(column) for column in runs.columns], n=1)
    return f"; nearest: {close[0]}" if close else ""
