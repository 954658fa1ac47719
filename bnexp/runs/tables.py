"""Runs as pandas tables: the one way in which anything reads a record."""

import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any

import pandas as pd

from bnexp.errors import UserError
from bnexp.runs.header import Unreadable, load_header
from bnexp.runs.identity import flatten
from bnexp.runs.places import is_running
from bnexp.runs.record import COLUMNS

OWN = ("run", "folder", "preset", "status", "outcome", "reason", "revisions")  # columns of `runs`
# Columns that tell runs apart by a hash, or by corrections: what the configuration does not say.
HIDDEN = ("data.content", "model.source", "model.weights_content", "revisions")
TEXT = ("layer", "tensor", "name", "counts", "pixels")  # columns; the others hold numbers
FILES = 500  # parsed at a time: many at once are faster, all at once would fill the memory


def _skipped(rows: Sequence[dict[str, Any]] = ()) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["folder", "reason"], dtype=object)


@dataclass(frozen=True)
class Runs:
    """The records below a folder; each table is read when it is first asked for.

    Every table has a column `run`, the run's identity. `runs` has one row a run: folder, preset,
    status, outcome, reason, revisions, the configuration by dotted key, the results, and the
    provenance (`provenance.*`). `skipped` lists the folders that hold no readable record, or the
    same run as another, with the reason; files of the other tables join it when they are read and
    found damaged. These tables are described in FORMAT.md.
    """

    runs: pd.DataFrame
    skipped: pd.DataFrame = field(default_factory=_skipped)

    @cached_property
    def steps(self) -> pd.DataFrame:
        """Loss and learning rate of every step."""
        return self._table("steps")

    @cached_property
    def epochs(self) -> pd.DataFrame:
        """Loss and accuracy of every split by epoch."""
        return self._table("epochs")

    @cached_property
    def gradients(self) -> pd.DataFrame:
        """Gradient norms by step and layer."""
        return self._table("gradients")

    @cached_property
    def activations(self) -> pd.DataFrame:
        """Activation statistics by step and layer."""
        return self._table("activations")

    @cached_property
    def histograms(self) -> pd.DataFrame:
        """Activation histograms by step and layer."""
        return self._table("histograms")

    @cached_property
    def measures(self) -> pd.DataFrame:
        """Everything else that a probe recorded."""
        return self._table("measures")

    @cached_property
    def samples(self) -> pd.DataFrame:
        """Images that a generator drew."""
        return self._table("samples")

    def _table(self, name: str) -> pd.DataFrame:
        places = list(zip(self.runs["run"], self.runs["folder"], strict=True))
        parts = []
        for at in range(0, len(places), FILES):
            files = []
            for run, folder in places[at : at + FILES]:
                try:
                    data = table_bytes(Path(folder), name)
                except DamagedTable as damage:
                    self._skip(folder, str(damage))
                else:
                    files += [] if data is None else [(run, data)]
            parts += _parse(files)
        if not parts:
            return pd.DataFrame(columns=["run", *COLUMNS[name]])
        return pd.concat(parts, ignore_index=True)

    def _skip(self, folder: str, reason: str) -> None:
        self.skipped.loc[len(self.skipped), ["folder", "reason"]] = [folder, reason]


class DamagedTable(Exception):
    """A table of a record is not as training wrote it; the message says what is wrong."""


_CELLS = {
    **dict.fromkeys(TEXT, rb'(?:"(?:[^"\x00-\x1f]|"")*+"|[^,"\x00-\x1f]*+)'),
    **dict.fromkeys(("step", "index"), rb"\d{1,15}"),
    "epoch": rb"\d{1,15}(?:\.\d{1,20})?+",
    "counts": rb"(?:\d++ ){63}\d++",
    "pixels": rb"(?:\d{1,3} )*+\d{1,3}",
}
_NUMBER = rb"(?:[-+]?+(?:\d++(?:\.\d*+)?+(?:[eE][-+]?+\d++)?+|inf|nan)|)"


def _rows(columns: tuple[str, ...]) -> re.Pattern[bytes]:
    """Rows of a table as training writes them, none of them cut or garbled."""
    cells = [_CELLS.get(name, _NUMBER) for name in columns]
    return re.compile(b"(?:" + b",".join(cells) + b"\n)++")


_ROWS = {name: _rows(columns) for name, columns in COLUMNS.items()}


def table_bytes(folder: Path, name: str) -> bytes | None:
    """A run's table `name` as it is on the disk; None where there is none.

    Raises DamagedTable.
    """
    try:
        data = (folder / f"{name}.csv").read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DamagedTable(f"{name}.csv cannot be read: {error.strerror}") from None
    header, _, body = data.partition(b"\n")
    if header != ",".join(COLUMNS[name]).encode():
        raise DamagedTable(f"{name}.csv has other columns than this version writes")
    if not body.endswith(b"\n"):
        raise DamagedTable(f"{name}.csv is cut off")
    whole = _ROWS[name].match(body)
    if not whole or whole.end() < len(body):
        line = body[: whole.end() if whole else 0].count(b"\n") + 2
        raise DamagedTable(f"{name}.csv is damaged in line {line}")
    try:
        data.decode()
    except UnicodeDecodeError:
        raise DamagedTable(f"{name}.csv is not UTF-8") from None
    return data


def _parse(files: Sequence[tuple[str, bytes]]) -> list[pd.DataFrame]:
    """The rows of some runs' files; neighbours with the same columns are parsed as one file."""
    parts = []
    split = [(run, data.splitlines()) for run, data in files]
    for header, group in groupby(split, key=lambda file: file[1][:1]):
        rows = [(run, lines[1:]) for run, lines in group]
        text = b"\n".join(header + [line for _, lines in rows for line in lines])
        table = pd.read_csv(
            io.BytesIO(text), dtype=dict.fromkeys(TEXT, str), skip_blank_lines=False,
            low_memory=False,
        )  # fmt: skip
        runs = pd.Index([run for run, _ in rows], dtype="str")
        table.insert(0, "run", runs.repeat([len(lines) for _, lines in rows]))
        parts.append(table)
    return parts


def load_runs(*paths: str | Path) -> Runs:
    """Read every record in or below `paths` (default `runs`), each run once.

    A path may be one run's folder or a folder of runs. Folders without a readable record are
    listed in `skipped`, never raised. Where two folders hold the same run, a done one counts.
    Raises UserError for a path that does not exist or holds no run.
    """
    folders = [Path(path) for path in paths or ("runs",)]
    expect_runs(folders)
    return runs_in(folders)


def expect_runs(paths: Iterable[Path]) -> None:
    """Raise UserError, naming every path that does not exist or holds no run."""
    problems = [f"{path}: {why}" for path in paths if (why := _why_no_run(path))]
    if problems:
        raise UserError(*problems)


def _why_no_run(path: Path) -> str | None:
    try:
        if any(map(_has_record, _folders(path))):
            return None
    except FileNotFoundError:
        return "no such folder; `bnexp train` writes runs to runs/"
    except OSError as error:
        return str(error.strerror)
    return "holds no run; `bnexp train` writes runs to runs/"


def runs_in(paths: Iterable[Path]) -> Runs:
    """What `load_runs` returns, also of paths that hold no run."""
    rows, skipped = read_all(paths)
    kept: dict[str, dict[str, Any]] = {}
    for row in sorted(rows, key=_rank):
        first = kept.setdefault(row["run"], row)
        if first is not row:
            reason = f"the same run as {first['folder']}, which is {first['status']}"
            skipped.append({"folder": row["folder"], "reason": reason})
    return Runs(
        as_table([row for row in rows if kept[row["run"]] is row]),
        _skipped(skipped),
    )


def as_table(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """Rows of runs as `Runs.runs` has them."""
    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=list(OWN))


def read_all(paths: Iterable[Path]) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """A row of `runs` for every record in or below `paths`, and the folders without one."""
    rows: list[dict[str, Any]] = []
    skipped: list[dict[str, str]] = []
    folders: dict[Path, None] = {}
    for path in paths:
        try:
            folders |= dict.fromkeys(_folders(path))
        except OSError as error:
            skipped.append({"folder": str(path), "reason": str(error.strerror)})
    for folder in folders:
        try:
            rows.append(_row(folder))
        except Unreadable as error:
            skipped.append({"folder": str(folder), "reason": str(error)})
    return rows, skipped


def _rank(row: dict[str, Any]) -> tuple[int, bool]:
    """Which of two folders with the same run counts: the lower."""
    order = ("done", "running", "interrupted", "failed")
    named = Path(row["folder"]).name == f"{row['preset']}-{row['run']}"
    return order.index(row["status"]), not named


def _has_record(folder: Path) -> bool:
    """Whether a run was begun here, whether its record can be read or not."""
    return (folder / "run.json").exists() or (folder / "config.yaml").exists()


def _folders(path: Path) -> list[Path]:
    if _has_record(path):
        return [path]
    return sorted(
        folder for folder in path.iterdir() if folder.is_dir() and not folder.name.startswith(".")
    )


def _row(folder: Path) -> dict[str, Any]:
    header = load_header(folder)
    status = header["status"]
    if status == "running" and not is_running(folder.parent, header["identity"]):
        status = "interrupted"
    own = {
        "run": header["identity"],
        "folder": str(folder),
        "preset": header["preset"],
        "status": status,
        "outcome": header["outcome"],
        "reason": header["reason"],
        "revisions": " ".join(header.get("revisions", [])),
    }
    rest = flatten(header["config"]) | {
        "data.content": header.get("content"),
        "model.source": header.get("source"),
        "model.weights_content": header.get("weights"),
    }
    for more in (header["results"], flatten({"provenance": header["provenance"]})):
        rest |= {key: value for key, value in more.items() if key not in rest}
    return own | {key: value for key, value in rest.items() if key not in own}
