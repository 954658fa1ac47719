"""The runs that have ended, as the comparisons of one ledger see them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from bnexp.comparisons.measurements import MeasurementRun, measure_due
from bnexp.report.reading import usable
from bnexp.runs.tables import Runs, runs_in
from bnexp.sweep import Job, Result

ENDED = ("done", "failed", "killed")


@dataclass
class Records:
    """Rows of the table of runs by identity.

    A run that failed, or whose record is damaged, has ended without a row.
    """

    runs_dir: Path
    command: str
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)

    def add(self, results: Iterable[Result]) -> None:
        """Take in what a sweep ended with."""
        done = {r.identity: r.folder for r in results if r.status == "done" and r.folder}
        self._read(folder for identity, folder in done.items() if identity not in self.rows)
        self.silent |= {r.identity for r in results if r.status in ENDED} - self.rows.keys()

    def measure(self, measurements: Sequence[MeasurementRun]) -> None:
        """Take measurements that need no training, where they are not there yet."""
        due = [one for one in measurements if one.identity not in self.rows]
        measure_due(due, self.runs_dir, self.command)
        self._read(one.folder(self.runs_dir) for one in due)

    def _read(self, folders: Iterable[Path]) -> None:
        frame = usable(runs_in(sorted(set(folders)))).runs
        self.rows |= {row["run"]: row for row in map(_present, frame.to_dict("records"))}

    def missing(self, jobs: Iterable[Job]) -> list[Job]:
        """The jobs that have not ended."""
        return [job for job in jobs if not self.has_ended(job.plan.identity)]

    def has_ended(self, identity: str) -> bool:
        """Whether a run has ended, however it did."""
        return identity in self.rows or identity in self.silent

    def table(self, identities: Iterable[str], refused: Sequence[dict[str, Any]] = ()) -> Runs:
        """The runs of these identities that are done, with rows for cells that were refused."""
        rows = [self.rows[one] for one in dict.fromkeys(identities) if one in self.rows]
        frame = pd.DataFrame([*rows, *refused])
        frame = frame.reindex(columns=list(dict.fromkeys([*frame.columns, *COLUMNS])))
        return Runs(frame)


COLUMNS = ["run", "folder", "preset", "status", "outcome", "reason", "seed"]


def _present(row: dict[Any, Any]) -> dict[str, Any]:
    """A row without the columns that only other rows have."""
    return {str(key): value for key, value in row.items() if not _is_nan(value)}


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and value != value
