"""Figures drawn side by side, and only where the runs that they show have changed."""

import base64
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd

from bnexp.errors import UserError
from bnexp.report.arms import Arms
from bnexp.report.catalogue import draw
from bnexp.report.chart import Chart
from bnexp.report.forked import forked
from bnexp.runs.files import write_text


@dataclass(frozen=True)
class Task:
    """A figure to draw: its name, of which arms, with which options."""

    name: str
    arms: Arms
    options: Mapping[str, Any]

    def draw(self) -> Chart:
        """The figure; UserError says why it cannot be drawn."""
        return draw(self.name, self.arms, **self.options)


@dataclass(frozen=True)
class Drawn:
    """A Chart once it is drawn: its words, tables and files. Sizes are in inches.

    `png` is empty where it was not asked for.
    """

    name: str
    finding: str
    method: str
    size: tuple[float, float]
    title_height: float
    svg: str
    png: bytes
    table: pd.DataFrame
    differences: pd.DataFrame


def draw_all(tasks: Sequence[Task], kept: Path) -> list[Drawn | UserError]:
    """Each task's figure, or why it cannot be drawn; `kept` is a folder of figures drawn before.

    Files in the folder that no task needs are removed. Raises OSError where it cannot be
    written.
    """
    folders = {folder for task in tasks for folder in task.arms.runs.runs["folder"]}
    stamps = {folder: _stamp(folder) for folder in folders}
    keys = [_key(task, stamps) for task in tasks]
    paths = [kept / f"{key}.json" for key in keys]
    found = [_read(path) for path in paths]
    missing = [i for i, drawn in enumerate(found) if drawn is None]
    for i, drawn in zip(missing, draw_each([tasks[i].draw for i in missing]), strict=True):
        found[i] = drawn
        kept.mkdir(parents=True, exist_ok=True)
        write_text(paths[i], json.dumps(_plain(drawn)))
    for path in set(kept.glob("*.json")) - set(paths):
        path.unlink(missing_ok=True)
    return [drawn for drawn in found if drawn is not None]


def draw_each(
    figures: Sequence[Callable[[], Chart]], png: bool = True
) -> Iterator[Drawn | UserError]:
    """Draw side by side, in processes that share the tables read so far."""
    return forked([partial(_drawn, figure, png) for figure in figures])


def _drawn(figure: Callable[[], Chart], png: bool) -> Drawn | UserError:
    try:
        chart = figure()
    except UserError as error:
        return error
    return Drawn(
        chart.name, chart.finding, chart.method, chart.size, chart.title_height, chart.svg(),
        chart.png() if png else b"", chart.table, chart.differences,
    )  # fmt: skip


# -------------------------------------------------------------------------------- what was drawn


def _key(task: Task, stamps: Mapping[str, Any]) -> str:
    """A hash of all that a figure depends on: its runs' files and the code."""
    arms = task.arms
    lost = arms.runs.skipped.drop(columns="folder").to_csv(index=False)
    told = [
        task.name, task.options, arms.keys, arms.notes, lost, _code(),
        [(run, stamps[folder]) for run, folder in arms.runs.runs[["run", "folder"]].to_numpy()],
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(told, default=str).encode()).hexdigest()[:24]


def _stamp(folder: str) -> list[tuple[str, int, int]]:
    """Sizes and times of a run's files."""
    entries = [(entry.name, entry.stat()) for entry in os.scandir(folder) if entry.is_file()]
    return sorted((name, stat.st_size, stat.st_mtime_ns) for name, stat in entries)


@cache
def _code() -> str:
    """A hash of the code that draws."""
    found = hashlib.sha256(f"{version('matplotlib')} {version('pandas')}".encode())
    for folder in ("bnexp.report", "bnexp.report.figures", "bnexp.norms"):
        for path in sorted(files(folder).iterdir(), key=lambda path: path.name):
            if path.name.endswith(".py"):
                found.update(path.read_bytes())
    return found.hexdigest()


def _plain(drawn: Drawn | UserError) -> dict[str, Any]:
    """As JSON, which holds floats in full."""
    if isinstance(drawn, UserError):
        return {"lines": drawn.lines}
    tables = {
        name: {"columns": list(table), "data": table.to_dict("split")["data"]}
        for name, table in (("table", drawn.table), ("differences", drawn.differences))
    }
    return vars(drawn) | tables | {"png": base64.b64encode(drawn.png).decode()}


def _read(path: Path) -> Drawn | UserError | None:
    """A figure drawn before; None where there is none that can be read."""
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
        if "lines" in tree:
            return UserError(*tree["lines"])
        for name in ("table", "differences"):
            tree[name] = pd.DataFrame(tree[name]["data"], columns=tree[name]["columns"])
        tree |= {"png": base64.b64decode(tree["png"]), "size": tuple(tree["size"])}
        return Drawn(**tree)
    except (OSError, ValueError, KeyError, TypeError):
        return None
