"""Measurements without training a classifier, with a record each, as runs have."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bnexp.runs.header import read_header
from bnexp.runs.identity import FORMAT
from bnexp.runs.record import Record

FOLDER = ".checks"  # below the folder of runs, where nothing takes them for runs


@dataclass(frozen=True)
class MeasurementRun:
    """The measurement `name` of bnexp.measurements for one seed.

    Records call it a check, the word of the first edition.
    """

    name: str
    seed: int
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def identity(self) -> str:
        """Twelve hex digits over the name, the options and the seed."""
        text = json.dumps([FORMAT, self.name, self.seed, self.options], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def folder(self, runs_dir: Path) -> Path:
        """Where its record is."""
        return runs_dir / FOLDER / f"{self.name}-{self.identity}"

    def is_done(self, runs_dir: Path) -> bool:
        """Whether a finished record is there."""
        header = read_header(self.folder(runs_dir))
        return header is not None and header["status"] == "done"

    def measure(self, runs_dir: Path, command: str) -> None:
        """Measure, and write the record. Raises UserError for an unknown measurement."""
        import torch

        from bnexp import measurements
        from bnexp.training.provenance import provenance

        tables = measurements.run(self.name, self.seed, self.options)
        record = Record(
            self.folder(runs_dir),
            {
                "identity": self.identity,
                "preset": f"check_{self.name}",
                "content": None,
                "provenance": provenance(torch.device("cpu"), command),
            },
        )
        record.start(
            {"check": {"name": self.name, "options": dict(self.options)}, "seed": self.seed}
        )
        record.tables |= tables
        record.flush()
        record.mark("done", outcome="measured")


def measure_due(wanted: Iterable[MeasurementRun], runs_dir: Path, command: str) -> None:
    """Measure those that are not done, one after the other."""
    for one in {one.identity: one for one in wanted}.values():
        if not one.is_done(runs_dir):
            one.measure(runs_dir, command)
