"""Measurements without training, with a record each, as runs have."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bnexp.runs.identity import FORMAT
from bnexp.runs.record import Record, read_header

FOLDER = ".checks"  # below the folder of runs, where nothing takes them for runs


@dataclass(frozen=True)
class CheckRun:
    """The check `name` of bnexp.checks for one seed."""

    name: str
    seed: int
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def identity(self) -> str:
        """Twelve hex digits over the check, its options and the seed."""
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
        """Measure, and write the record. Raises UserError for an unknown check."""
        import torch

        from bnexp import checks
        from bnexp.training.provenance import provenance

        rows = checks.run(self.name, self.seed, self.options)
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
        record.tables["measures"] = [(0, *row) for row in rows]
        record.flush()
        record.mark("done", outcome="measured")


def measure_due(checks: Iterable[CheckRun], runs_dir: Path, command: str) -> None:
    """Measure those that are not done, one after the other."""
    for check in {check.identity: check for check in checks}.values():
        if not check.is_done(runs_dir):
            check.measure(runs_dir, command)
