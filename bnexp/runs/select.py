"""Which runs are meant: conditions on their keys, folders, beginnings of identities.

Imports no pandas, so that every command's help can say how conditions look.
"""

from __future__ import annotations

import math
import operator
import os
import re
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from bnexp.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

HELP = """\
A condition KEY=VALUE keeps the runs for which it holds; also != < <= > >=. KEY is a
setting (model.norm), a result (test_accuracy), or run, preset, status, outcome.
VALUE may hold * ? and [ab], and be several after commas; quotes take it as it is;
null is what is not set. The shell wants quotes around * < > and spaces:
  'preset=mlp*'   model.norm=batch,layer   'optimizer.lr<=0.1'   'reason!="a, b"'
"""
_FORM = re.compile(r"\s*([^\s=!<>]+)\s*(!=|<=|>=|=|<|>)\s*(.+)", re.DOTALL)
_ITEM = re.compile(r"""(?:"[^"]*"|'[^']*'|\[[^\]]*\]|[^,])+""")
_ORDER = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


def is_condition(text: str) -> bool:
    """Whether a word of a command line is a condition, not a folder or a name."""
    return any(sign in text for sign in "=<>") and not Path(text).exists()


def select(runs: pd.DataFrame, conditions: Iterable[str]) -> pd.DataFrame:
    """The rows of `load_runs(...).runs` that meet every condition; `HELP` says how these look.

    Raises UserError for conditions that cannot be read, and for a key that no run has.
    """
    problems, kept = [], runs
    for condition in conditions:
        try:
            key, meets = _read(condition)
            kept = kept.loc[[meets(plain(value)) for value in kept[known(key, runs)]]]
        except UserError as error:
            problems += error.lines
    if problems:
        raise UserError(*problems)
    return kept


def known(key: str, runs: pd.DataFrame) -> str:
    """Return `key` if it is a column of the runs' table; raise UserError with the nearest."""
    if key in runs.columns:
        return key
    near = get_close_matches(key, [str(column) for column in runs.columns], n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise UserError(f"{key}: no run has this key{hint}")


def _read(condition: str) -> tuple[str, Callable[[Any], bool]]:
    """The key of a condition, and what its value must meet."""
    found = _FORM.fullmatch(condition)
    if not found:
        raise UserError(f"{condition}: must be KEY=VALUE, or one of != < <= > >=")
    key, sign, text = found.groups()
    if sign in _ORDER:
        return key, _compared(sign, text, condition)
    tests = [_equal(item.strip(), condition) for item in _ITEM.findall(text)]
    wanted = sign == "="
    return key, lambda value: any(test(value) for test in tests) == wanted


def _compared(sign: str, text: str, condition: str) -> Callable[[Any], bool]:
    compare = _ORDER[sign]

    def number(value: Any) -> float:
        try:
            return float(value)
        except (TypeError, ValueError):
            raise UserError(f"{condition}: compares what is not a number") from None

    bound = number(text)
    return lambda value: value is not None and compare(number(value), bound)


def _equal(item: str, condition: str) -> Callable[[Any], bool]:
    """Whether a value is the one that an item names, or fits its pattern."""
    if len(item) > 1 and item[0] == item[-1] and item[0] in "'\"":
        return lambda value: str(value) == item[1:-1]
    if item.count("[") != item.count("]"):
        raise UserError(f"{condition}: the value cannot be read; quote what holds brackets")
    if item.lower() in ("true", "false"):
        return lambda value: str(value).lower() == item.lower()
    if item == "null":
        return lambda value: value is None
    as_list = _as_list(item)
    try:
        number = float(item)
    except ValueError:
        number = None

    def equal(value: Any) -> bool:
        if isinstance(value, list) and as_list is not None:
            return value == as_list
        if number is not None and isinstance(value, int | float):
            return value == number
        return value is not None and fnmatchcase(str(value), item)

    return equal


def _as_list(item: str) -> list[Any] | None:
    if not (item.startswith("[") and item.endswith("]")):
        return None
    try:
        return list(yaml.safe_load(item))
    except (yaml.YAMLError, TypeError):
        return None


def plain(value: Any) -> Any:
    """A cell of a table as plain data; None for what is missing."""
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and math.isnan(value) else value


def find_one(runs: pd.DataFrame, name: str, runs_dir: Path) -> pd.Series:
    """The row of the run in this folder of `runs_dir`, or whose identity begins so.

    A path is that path, whatever runs lie elsewhere. Raises UserError.
    """
    inside = runs_dir / name
    if not name:
        raise UserError("runs: a run without a name")
    if os.sep in name or (not inside.exists() and Path(name).exists()):
        inside = Path(name)
    if inside.exists() or inside.is_symlink():
        if inside.is_symlink():
            raise UserError(f"runs {name}: is a link; name the folder itself")
        if inside.resolve().parent != runs_dir.resolve():
            raise UserError(f"runs {name}: is not in {runs_dir}; --runs-dir says where runs are")
        found = runs[[Path(folder).name == inside.resolve().name for folder in runs["folder"]]]
        what = "holds no record that can be read"
    else:
        found = runs[[str(run).startswith(name) for run in runs["run"]]]
        what = f"{len(found)} runs begin so" if len(found) else "no such run"
    if len(found) != 1:
        raise UserError(f"runs {name}: {what}; `bnexp runs --each` lists them")
    return found.iloc[0]
