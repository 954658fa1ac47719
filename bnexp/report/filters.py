"""`--where`: runs whose keys have given values."""

import math
import operator
import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

import pandas as pd
import yaml

from bnexp.errors import UserError

FORM = re.compile(r"([\w.]+)\s*(!=|<=|>=|=|<|>)\s*(.+)", re.DOTALL)
COMPARE = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


def matching(table: pd.DataFrame, conditions: Sequence[str]) -> pd.DataFrame:
    """Rows of `table` that meet every condition: `key=a,b`, `key!=a`, `key<x`, `<=`, `>`, `>=`.

    Values are read as YAML, as in an override; null matches what is not set. Raises UserError
    for a condition that cannot be read and for a key that no run has.
    """
    for condition in conditions:
        found = FORM.fullmatch(condition.strip())
        if not found:
            raise UserError(f"where {condition!r}: must be key=value, or one of != < <= > >=")
        key, sign, text = found.groups()
        table = table.loc[_meets(table[known(key, table)], sign, text, condition)]
    return table


def known(key: str, table: pd.DataFrame) -> str:
    """Return `key` if it is a column of the runs' table; raise UserError with the nearest."""
    if key in table.columns:
        return key
    near = get_close_matches(key, table.columns, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise UserError(f"{key}: no run has this key{hint}")


def _meets(column: pd.Series, sign: str, text: str, condition: str) -> list[bool]:
    if sign in ("=", "!="):
        wanted = {_plain(part) for part in _read(text, condition)}
        return [(_plain(value) in wanted) == (sign == "=") for value in column]
    try:
        bound = float(text)
        return [COMPARE[sign](float(value), bound) for value in column]
    except (TypeError, ValueError):
        raise UserError(f"where {condition!r}: compares what is not a number") from None


def _read(text: str, condition: str) -> list[Any]:
    """The values between the commas."""
    try:
        return list(yaml.safe_load(f"[{text}]"))
    except (yaml.YAMLError, TypeError):
        raise UserError(f"where {condition!r}: the value cannot be read") from None


def _plain(value: Any) -> str:
    """One spelling for values that are equal: 1e-3 and 0.001, null and NaN, True and true."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "null"
    if isinstance(value, str):
        try:
            value = float(value)  # YAML takes 1e-3 for a string
        except ValueError:
            return value
    if isinstance(value, bool) or type(value).__name__ == "bool_":
        return str(bool(value)).lower()
    if isinstance(value, int | float) or hasattr(value, "dtype"):
        return repr(float(value))
    return str(value)
