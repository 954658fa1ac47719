"""Runs, arms, and differences between two runs, as a table for people, CSV or JSON."""

import json
import re
import shutil
from collections import Counter
from typing import Any

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from bnexp.config import Config
from bnexp.runs.identity import excluded
from bnexp.runs.select import plain
from bnexp.runs.tables import HIDDEN
from bnexp.showing import printable

_NUMBER = r"(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$|inf$"
FORMULA = re.compile(rf"'*([=@\t\r]|[-+](?!{_NUMBER}))", re.IGNORECASE)
FORMATS = ("table", "csv", "json")
_KINDS = ("setting", "result", "provenance")
_FIRST = ("data.name", "model.kind", "model.name", "model.norm", "optimizer.name", "optimizer.lr")


def runs_table(runs: pd.DataFrame, style: str) -> str:
    """Run, preset, the settings that tell runs apart, status, accuracy, seconds."""
    settings = _telling(runs, [*_settings(runs), "seed"] if "seed" in runs else _settings(runs))
    status = runs["outcome"].where(runs["status"] == "done", runs["status"])
    results = [name for name in ("test_accuracy", "seconds_total") if name in runs]
    if style != "table":
        frame = runs[["run", "preset", *settings]].assign(status=status, **runs[results])
        return render(frame, style)
    short = {"test_accuracy": "accuracy", "seconds_total": "seconds"}
    frame = runs[["run"]].assign(
        preset_and_settings=runs["preset"].str.cat(_told(runs, settings), sep=" "),
        status=status,
        **{short[name]: runs[name] for name in results},
    )
    return f"{render(frame, style)}\n{_count(len(runs), 'run')}"


def arms_table(runs: pd.DataFrame, style: str) -> str:
    """Runs that differ only in their seed as one row: seeds, done, trained, median accuracy."""
    settings = _telling(runs, _settings(runs))
    if "model.norm" in runs and "model.norm" not in settings:
        settings = ["model.norm", *settings]
    rows = []
    for _, arm in _groups(runs, settings):
        done = arm[arm["status"] == "done"]
        accuracy = pd.to_numeric(done.get("test_accuracy", pd.Series(dtype=float)))
        rows.append(
            {key: arm[key].iloc[0] for key in settings}
            | {"seeds": arm["seed"].nunique(), "done": len(done)}
            | {"trained": int((done["outcome"] == "trained").sum())}
            | {"median_test_accuracy": accuracy.median()}
        )
    columns = [*settings, "seeds", "done", "trained", "median_test_accuracy"]
    frame = pd.DataFrame(rows, columns=columns)
    if style != "table":
        return render(frame, style)
    told = pd.DataFrame({"arm": _told(frame, settings)}).join(frame[columns[-4:]])
    table = render(told.rename(columns={"median_test_accuracy": "median accuracy"}), style)
    return "\n".join([table, *_next(runs, len(frame))])


def _next(runs: pd.DataFrame, arms: int) -> list[str]:
    """How many runs and arms there are, and what to type next."""
    lines = [f"{_count(arms, 'arm')} of {_count(len(runs), 'run')}"]
    odd = Counter(runs["status"][~runs["status"].isin(["done", "running"])])
    if odd:
        told = ", ".join(f"{number} {status}" for status, number in odd.items())
        lines.append(f"{told}: bnexp runs --each status={','.join(odd)}")
    if (runs["status"] == "done").any():
        lines.append("each run: bnexp runs --each    figures: bnexp report")
    return lines


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _settings(runs: pd.DataFrame) -> list[str]:
    """The keys, the seed apart, in which runs of different arms differ; the telling ones first."""
    keys = [key for key in map(str, runs.columns) if _is_setting(key) and not excluded(key)]
    first, last = ([key for key in some if key in keys] for some in (_FIRST, HIDDEN))
    return [*first, *(key for key in keys if key not in (*first, *last)), *last]


def _telling(runs: pd.DataFrame, keys: list[str]) -> list[str]:
    """The keys that each tell apart more arms than the keys before them do."""
    told: list[str] = []
    part: list[tuple[str, ...]] = [()] * len(runs)
    for key in keys:
        finer = [(*old, _text(value)) for old, value in zip(part, runs[key], strict=True)]
        if len(set(finer)) > len(set(part)):
            told, part = [*told, key], finer
    return told


def _groups(runs: pd.DataFrame, keys: list[str]) -> list[tuple[tuple[str, ...], pd.DataFrame]]:
    texts = list(zip(*([_text(value) for value in runs[key]] for key in keys), strict=True))
    texts = texts or [()] * len(runs)
    places: dict[tuple[str, ...], list[int]] = {}
    for at, text in enumerate(texts):
        places.setdefault(text, []).append(at)
    return [(text, runs.iloc[at]) for text, at in places.items()]


def _told(runs: pd.DataFrame, keys: list[str]) -> list[str]:
    """Settings as one text a row, such as `norm=batch lr=0.1`, keys as short as is clear."""
    ends = Counter(key.rpartition(".")[2] for key in keys)
    short = {key: end if ends[end := key.rpartition(".")[2]] == 1 else key for key in keys}
    return [
        " ".join(f"{short[key]}={_text(row[key]) or 'null'}" for key in keys)
        for _, row in runs[keys].astype(object).iterrows()
    ]


def diff_table(a: pd.Series, b: pd.Series, style: str) -> str:
    """Every setting and result in which two runs differ."""
    keys = [str(key) for key in dict.fromkeys([*a.index, *b.index])]
    rows = [
        (_kind(key), key, a.get(key), b.get(key))
        for key in keys
        if _text(a.get(key)) != _text(b.get(key))
    ]
    rows.sort(key=lambda row: _KINDS.index(row[0]))
    return render(pd.DataFrame(rows, columns=["what", "key", "A", "B"], dtype=object), style)


def _kind(key: str) -> str:
    if key.startswith("provenance."):
        return "provenance"
    return "setting" if _is_setting(key) else "result"


def _is_setting(key: str) -> bool:
    section = key.partition(".")[0]
    return (section in Config.model_fields and key != "seed") or key in HIDDEN


def render(frame: pd.DataFrame, style: str) -> str:
    """A table in one of FORMATS; the one for people fits the terminal, or 80 columns."""
    if style == "csv":
        return str(without_formulas(frame).to_csv(index=False, lineterminator="\n")).rstrip("\n")
    rows = [[plain(value) for value in row] for row in frame.itertuples(index=False)]
    if style == "json":
        return json.dumps([dict(zip(frame.columns, row, strict=True)) for row in rows], indent=1)
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in frame.columns:
        whole = name in ("run", "key", "status")  # for copying, whatever the width
        table.add_column(str(name).replace("_", " "), overflow="fold", no_wrap=whole)
    for row in rows:
        table.add_row(*(printable(_text(value, digits=4)) for value in row))
    width = shutil.get_terminal_size((80, 24)).columns
    console = Console(highlight=False, markup=False, emoji=False, width=width)
    with console.capture() as captured:
        console.print(table)
    return "\n".join(filter(None, (line.rstrip() for line in captured.get().splitlines())))


def without_formulas(frame: pd.DataFrame) -> pd.DataFrame:
    """Text that a spreadsheet would run as a formula, with an apostrophe before it."""

    def safe(value: Any) -> Any:
        return f"'{value}" if isinstance(value, str) and FORMULA.match(value) else value

    def column(values: pd.Series) -> pd.Series:
        return values if pd.api.types.is_numeric_dtype(values) else values.map(safe)

    return frame.apply(column).rename(columns=safe)


def with_formulas(frame: pd.DataFrame) -> pd.DataFrame:
    """A table of text as it was before `without_formulas`."""
    return frame.map(lambda text: text[1:] if text[:1] == "'" and FORMULA.match(text[1:]) else text)


def _text(value: Any, digits: int | None = None) -> str:
    value = plain(value)
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.{digits}g}" if digits else repr(value)
    return str(value)
