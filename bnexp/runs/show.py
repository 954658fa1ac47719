"""Runs, and differences between two, as a table for people, CSV or JSON."""

import json
from typing import Any

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from bnexp.config import Config
from bnexp.runs.identity import excluded

FORMATS = ("table", "csv", "json")
_KINDS = ("setting", "result", "provenance")


def listing(runs: pd.DataFrame, style: str) -> str:
    """Run, preset, the settings that are not the same in all, status, accuracy, seconds."""
    columns = {"run": runs["run"], "preset": runs["preset"]}
    columns |= {key: runs[key] for key in varying(runs)}
    columns["status"] = runs["outcome"].where(runs["status"] == "done", runs["status"])
    for name in ("test_accuracy", "seconds_total"):
        if name in runs.columns:
            columns[name] = runs[name]
    return _render(pd.DataFrame(columns), style)


def varying(runs: pd.DataFrame) -> list[str]:
    """The keys of the configuration, as far as they matter, with more than one value."""
    keys = [str(key) for key in runs.columns if _is_setting(str(key)) and not excluded(str(key))]
    return [key for key in keys if len({_text(value) for value in runs[key]} - {""}) > 1]


def differences(a: pd.Series, b: pd.Series, style: str) -> str:
    """Every setting and result in which two runs differ."""
    keys = [str(key) for key in dict.fromkeys([*a.index, *b.index])]
    rows = [
        (_kind(key), key, a.get(key), b.get(key))
        for key in keys
        if _text(a.get(key)) != _text(b.get(key))
    ]
    rows.sort(key=lambda row: _KINDS.index(row[0]))
    return _render(pd.DataFrame(rows, columns=["what", "key", "A", "B"], dtype=object), style)


def _kind(key: str) -> str:
    if key.startswith("provenance."):
        return "provenance"
    return "setting" if _is_setting(key) else "result"


def _is_setting(key: str) -> bool:
    return key.partition(".")[0] in Config.model_fields


def _render(frame: pd.DataFrame, style: str) -> str:
    if style == "csv":
        return str(frame.to_csv(index=False, lineterminator="\n")).rstrip("\n")
    rows = [[_plain(value) for value in row] for row in frame.itertuples(index=False)]
    if style == "json":
        return json.dumps([dict(zip(frame.columns, row, strict=True)) for row in rows], indent=1)
    table = Table(*map(str, frame.columns), box=SIMPLE_HEAD)
    for row in rows:
        table.add_row(*(_text(value, digits=4) for value in row))
    console = Console(highlight=False, width=10_000)  # nothing is cut: values are for copying
    with console.capture() as captured:
        console.print(table)
    lines = [line.rstrip() for line in captured.get().splitlines()]
    return "\n".join([*filter(None, lines), f" {len(rows)} rows"])


def _plain(value: Any) -> Any:
    """A value that JSON knows; None for what is missing."""
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and pd.isna(value) else value


def _text(value: Any, digits: int | None = None) -> str:
    value = _plain(value)
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.{digits}g}" if digits else repr(value)
    return str(value)
