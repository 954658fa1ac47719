"""Records of a given identity, made up at once."""

import copy
from functools import lru_cache
from pathlib import Path
from typing import Any

from bnexp import schema
from bnexp.compose import compose
from bnexp.runs.identity import flatten
from bnexp.runs.record import Record


@lru_cache
def _base(preset: str) -> dict[str, Any]:
    return schema.with_defaults(compose([f"model={preset}", "device=cpu"])[0])[0]


def config(preset: str = "mlp", **keys: Any) -> dict[str, Any]:
    """A whole configuration; `keys` are dotted, with __ for the dot."""
    tree = copy.deepcopy(_base(preset))
    for key, value in keys.items():
        *sections, name = key.split("__")
        at = tree
        for section in sections:
            at = at[section]
        assert key.replace("__", ".") in flatten(tree)
        at[name] = value
    return tree


def results(accuracy: float | None = 0.9, **more: Any) -> dict[str, Any]:
    """What a done run says of itself; without an accuracy, a diverged one."""
    splits = {f"{split}_accuracy": accuracy for split in ("train", "val", "test")}
    losses = {f"{split}_loss": accuracy and 1 - accuracy for split in ("train", "val", "test")}
    best = {"best_epoch": 1 if accuracy else None, "best_val_accuracy": accuracy}
    rest = {"steps": 7, "seconds_total": 1.5, "samples_per_second": 100.0}
    return splits | losses | best | rest | more


def make(
    runs_dir: Path,
    identity: str,
    status: str = "done",
    *,
    preset: str = "mlp",
    outcome: str | None = None,
    accuracy: float | None = 0.9,
    reason: str | None = None,
    tables: dict[str, list[tuple[Any, ...]]] | None = None,
    more: dict[str, Any] | None = None,
    **keys: Any,
) -> Record:
    """Write a record under its own name; `more` are results."""
    header = {"identity": identity, "preset": preset, "content": "c", "provenance": {"torch": "1"}}
    record = Record(runs_dir / f"{preset}-{identity}", header)
    record.start(config(preset, **keys))
    record.tables |= tables or {}
    record.flush()
    if status == "done":
        ended = results(accuracy, **(more or {}))
        record.mark(status, outcome=outcome or "trained", reason=reason, results=ended)
    else:
        record.mark(status, reason=reason)
    return record
