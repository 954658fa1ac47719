"""Runs as pandas tables: the one way in which anything reads a record."""

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any

import pandas as pd

from bnexp.runs.identity import flatten
from bnexp.runs.record import COLUMNS, is_running, read_header

TEXT = ("layer", "tensor", "name", "counts")  # columns; the others hold numbers
FILES = 500  # parsed at a time: many at once are faster, all at once would fill the memory


@dataclass(frozen=True)
class Runs:
    """The records below a folder; each table is read when it is first asked for.

    Every table has a column `run`, the run's identity. `runs` has one row a run: folder, preset,
    status, outcome, reason, the configuration by dotted key, the results, and the provenance
    (`provenance.*`). `skipped` lists the folders that hold no readable record, with the reason.
    The other tables are described in FORMAT.md.
    """

    runs: pd.DataFrame
    skipped: pd.DataFrame

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

    def _table(self, name: str) -> pd.DataFrame:
        pairs = zip(self.runs["run"], self.runs["folder"], strict=True)
        paths = [(run, Path(folder) / f"{name}.csv") for run, folder in pairs]
        paths = [(run, path) for run, path in paths if path.exists()]
        if not paths:
            return pd.DataFrame(columns=["run", *COLUMNS[name]])
        batches = [paths[at : at + FILES] for at in range(0, len(paths), FILES)]
        return pd.concat([part for batch in batches for part in _parse(batch)], ignore_index=True)


def _parse(paths: Sequence[tuple[str, Path]]) -> list[pd.DataFrame]:
    """The rows of some runs' files, neighbours with the same columns parsed as one file."""
    files = [(run, path.read_bytes().splitlines()) for run, path in paths]
    parts = []
    for header, group in groupby(files, key=lambda file: file[1][:1]):
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
    """Read every record in or below `paths` (default `runs`).

    A path may be one run's folder or a folder of runs. Folders without a readable record are
    listed in `skipped`, never raised.
    """
    rows: list[dict[str, Any]] = []
    skipped: list[dict[str, str]] = []
    for folder in _folders(Path(path) for path in paths or ("runs",)):
        try:
            rows.append(_row(folder))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            reason = str(error).strip().splitlines()[0] if str(error) else type(error).__name__
            skipped.append({"folder": str(folder), "reason": reason})
    runs = pd.DataFrame(rows)
    if rows:
        runs = runs.drop_duplicates("run", ignore_index=True)
    else:
        runs = pd.DataFrame(columns=["run", "folder", "preset", "status", "outcome", "reason"])
    return Runs(runs, pd.DataFrame(skipped, columns=["folder", "reason"]))


def _folders(paths: Iterable[Path]) -> list[Path]:
    found: dict[Path, None] = {}
    for path in paths:
        if (path / "run.json").exists() or (path / "config.yaml").exists():
            found[path] = None
        elif path.is_dir():
            for folder in sorted(path.iterdir()):
                if folder.is_dir() and not folder.name.startswith("."):
                    found[folder] = None
    return list(found)


def _row(folder: Path) -> dict[str, Any]:
    if not (folder / "run.json").exists():
        raise ValueError("no run.json")
    header = read_header(folder)
    if header is None:
        raise ValueError("run.json is damaged or of another format version")
    status = header["status"]
    if status == "running" and not is_running(folder.parent, header["identity"]):
        status = "interrupted"
    return (
        {"run": header["identity"], "folder": str(folder), "preset": header["preset"]}
        | {"status": status, "outcome": header["outcome"], "reason": header["reason"]}
        | flatten(header["config"])
        | header["results"]
        | flatten({"provenance": header["provenance"]})
    )
