"""A run's folder, while it is written. The format is in FORMAT.md."""

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from bnexp.runs.files import write_texts
from bnexp.runs.identity import FORMAT

DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # the one in C, where it was built
_SPLITS = ("train", "val", "test")
COLUMNS: dict[str, tuple[str, ...]] = {
    "steps": ("step", "epoch", "loss", "lr", "seconds"),
    "epochs": (
        "epoch",
        "step",
        *(f"{split}_{what}" for split in _SPLITS for what in ("loss", "accuracy")),
        *(f"{split}_{what}_train_mode" for split in _SPLITS for what in ("loss", "accuracy")),
        "seconds_training",
        "seconds_evaluation",
        "seconds_probing",
    ),
    "gradients": (
        "step",
        "layer",
        "index",
        "weight_gradient_norm",
        "weight_norm",
        "activation_gradient_norm",
    ),
    "activations": (
        "step",
        "layer",
        "index",
        "tensor",
        "mean",
        "std",
        "p15",
        "p50",
        "p85",
        "dead_fraction",
        "saturated_fraction",
    ),
    "histograms": ("step", "layer", "index", "tensor", "low", "high", "counts"),
    "measures": ("step", "layer", "name", "value"),
    "samples": ("step", "index", "channels", "height", "width", "pixels"),
}
BEST = ("best_epoch", "best_val_accuracy", "test_accuracy_at_best")  # of a run's results

Row = tuple[Any, ...]
Tables = dict[str, list[Row]]


class Record:
    """One run's folder: tables in memory, written whole by `flush`.

    A record is opened under `run_lock`, so that one process writes it.
    """

    def __init__(self, folder: Path, header: Mapping[str, Any]) -> None:
        self.folder = folder
        self.header = dict(header) | {"format": FORMAT}
        self.tables: Tables = {name: [] for name in COLUMNS}

    def start(self, config: Mapping[str, Any]) -> None:
        """Make the folder, write the configuration, and say that the run is running.

        The disk is not waited for: a run that a power cut leaves without these is trained again.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self.header["config"] = dict(config)
        text = yaml.dump(dict(config), Dumper=DUMPER, sort_keys=False)
        config_file = {self.folder / "config.yaml": text}
        write_texts(config_file | self._marked("running"), sync=False)

    def mark(
        self,
        status: str,
        *,
        outcome: str | None = None,
        reason: str | None = None,
        results: Mapping[str, Any] | None = None,
    ) -> None:
        """Write `run.json`."""
        write_texts(self._marked(status, outcome=outcome, reason=reason, results=results))

    def _marked(self, status: str, **told: Any) -> dict[Path, str]:
        told = {"outcome": None, "reason": None} | told
        results = dict(told.pop("results", None) or {})
        self.header |= {"status": status, "results": results, **told}
        text = json.dumps(self.header, indent=1, sort_keys=True, allow_nan=False)
        return {self.folder / "run.json": text + "\n"}

    def flush(self) -> None:
        """Write every table that has rows."""
        texts = {}
        for name, rows in self.tables.items():
            path = self.folder / f"{name}.csv"
            if not rows:
                path.unlink(missing_ok=True)
                continue
            text = io.StringIO()
            writer = csv.writer(text, lineterminator="\n")
            writer.writerow(COLUMNS[name])
            writer.writerows(rows)
            texts[path] = text.getvalue()
        write_texts(texts)

    def add(self, table: str, **cells: Any) -> None:
        """Append a row; columns that are not named are empty. KeyError for an unknown one."""
        self.tables[table].append((None,) * len(COLUMNS[table]))
        self.amend(table, -1, **cells)

    def amend(self, table: str, row: int, **cells: Any) -> None:
        """Fill in some cells of a row."""
        if unknown := cells.keys() - set(COLUMNS[table]):
            raise KeyError(f"{table}.csv has no column {', '.join(sorted(unknown))}")
        values = dict(zip(COLUMNS[table], self.tables[table][row], strict=True)) | cells
        self.tables[table][row] = tuple(values.values())

    def column(self, table: str, name: str) -> list[Any]:
        """The cells of a column, by row; None where one is empty."""
        at = COLUMNS[table].index(name)
        return [row[at] for row in self.tables[table]]

    def cut(self, step: int) -> None:
        """Drop everything recorded after `step`."""
        for name, rows in self.tables.items():
            at = COLUMNS[name].index("step")
            self.tables[name] = [row for row in rows if row[at] <= step]
