"""Names of arms, keys and numbers, for people."""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import pandas as pd

from bnexp.norms.catalogue import NORMS
from bnexp.runs.tables import HIDDEN

MINUS = "\N{MINUS SIGN}"
KEY_NAMES = {"optimizer.lr": "learning rate", "model.norm_options.eps": "eps"}
SHORT_NAMES = {"optimizer.lr": "lr"}
# keys whose values speak for themselves
BARE = ("model.kind", "model.name", "model.activation", "data.name", "optimizer.name", "precision")


def norm_name(norm: object) -> str:
    """A normaliser's name in words; a user's own class by the last part of its path."""
    text = str(norm)
    if text == "keep":
        return "own norms"
    label = NORMS[text].label if text in NORMS else ""
    return label or text.rpartition(".")[2]


def key_name(key: str) -> str:
    """A key of the configuration in words: `data.batch_size` is "batch size"."""
    return KEY_NAMES.get(key, key.rpartition(".")[2].replace("_", " "))


def value_name(value: Any) -> str:
    """A value of the configuration in words."""
    if is_unset(value):
        return "unset"
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list | tuple):
        return "-".join(map(value_name, value))
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def is_unset(value: Any) -> bool:
    """Whether a cell of the runs' table holds nothing."""
    return value is None or (isinstance(value, float) and value != value)


def canonical(value: Any) -> str:
    """One hashable spelling for equal values: lists, dictionaries, 1 and 1.0, None and NaN."""
    if is_unset(value):
        return "null"
    if hasattr(value, "item"):  # a NumPy scalar
        value = value.item()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return _scalar(value) if isinstance(value, str | int | float) else _json(value)


_json = json.JSONEncoder(sort_keys=True, default=str).encode  # json.dumps would make one a call
_scalar = lru_cache(100_000, typed=True)(_json)  # a table of runs has the same few over and over


def differs(column: pd.Series) -> bool:
    """Whether a column holds more than one value."""
    try:
        return bool(column.dropna().nunique() + column.isna().any() > 1)
    except TypeError:  # lists
        return len(set(map(canonical, column))) > 1


def label(values: Mapping[str, Any]) -> str:
    """An arm's label from the keys that tell it apart."""
    parts = []
    for key, value in values.items():
        if key == "model.norm":
            parts.append(norm_name(value))
        elif key == "model.placement":
            parts.append(f"{value} activation")
        elif key in BARE:
            parts.append(value_name(value))
        elif key in HIDDEN:  # a hash, or names
            shown = str(value) if key == "revisions" else value_name(value)[:8]
            parts.append(f"{key_name(key)} {shown or 'none'}")
        else:
            name = SHORT_NAMES.get(key, key_name(key))
            parts.append(f"{name} {value_name(value)}")
    return ", ".join(parts)


def label_keys(arms: pd.DataFrame) -> list[str]:
    """Columns of `arms` (one row each, canonical values) that belong in a label.

    Keys that follow from another are left out: those that only some arms have, such as Adam's
    betas, and those of which each kind of model has its own, such as widths.
    """
    keys = list(map(str, arms))
    follows = [
        key for key in keys if "null" in set(arms[key]) and len(set(arms[key]) - {"null"}) == 1
    ]
    if "model.kind" in keys:
        by_kind = arms.groupby("model.kind").nunique().max()
        follows += [
            key for key in keys
            if key.startswith("model.") and key not in ("model.norm", "model.kind", *follows)
            and by_kind[key] == 1
        ]  # fmt: skip
    kept = [key for key in keys if key not in follows]
    for key in follows:
        told_apart = len(arms[kept].drop_duplicates()) if kept else 1
        if len(arms[[*kept, key]].drop_duplicates()) > told_apart:
            kept.append(key)
    return [key for key in keys if key in kept]


def percent(share: float) -> str:
    """A fraction in percent, with a digit after the point."""
    return f"{100 * share:.1f}%"


def number(value: float, digits: int = 3) -> str:
    """Significant digits, without an exponent where that is readable."""
    return f"{float(f'{value:.{digits}g}'):,g}".replace("-", MINUS)


def short(value: float) -> str:
    """A number in a headline: two significant digits, "1.0" included."""
    rounded = float(f"{value:.2g}")
    if rounded == 0 or not 1 <= abs(rounded) < 10:
        return number(rounded, 2)
    return f"{rounded:.1f}".replace("-", MINUS)


def short_percent(share: float) -> str:
    """A fraction in a headline: two digits, and as many more as tell it from 100%."""
    digits = 2
    while share < 1 and digits < 6 and float(f"{share:.{digits}g}") == 1:
        digits += 1
    return f"{number(100 * share, digits)}%"


def plural(count: float, word: str) -> str:
    """ "1 run", "2 runs"."""
    return f"{count:,g} {word}{'' if count == 1 else 's'}"


def listed(words: list[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
