"""Tables of runs with known numbers in them, as `load_runs` would return them."""

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd
import yaml

from bnexp.comparisons.choices import Choices, Chosen
from bnexp.runs.record import COLUMNS
from bnexp.runs.tables import Runs

CONFIG: dict[str, Any] = {
    "model.kind": "mlp",
    "model.activation": "relu",
    "model.init": "default",
    "model.init_scale": 1.0,
    "model.dropout": 0.0,
    "model.widths": [128],
    "model.placement": "before",
    "data.name": "digits",
    "data.batch_size": 64,
    "optimizer.lr": 0.1,
    "training.epochs": 20,
    "precision": "fp32",
}


def arm(name: str, outcome: str = "trained", seeds: int = 4, **keys: Any) -> list[dict[str, Any]]:
    """Rows of `runs.runs`, called "name 0", "name 1", ...; `keys` have __ for the dot.

    A sequence of values goes by seed.
    """
    rows = []
    for seed in range(seeds):
        own = {key.replace("__", "."): _at(value, seed) for key, value in keys.items()}
        ended = {"status": "done", "outcome": outcome, "reason": None}
        rows.append(CONFIG | {"run": f"{name} {seed}", "seed": seed} | ended | own)
    return rows


def make(rows: Iterable[dict[str, Any]], **tables: Sequence[dict[str, Any]]) -> Runs:
    """These runs with these tables; the other tables are empty."""
    runs = Runs(pd.DataFrame(rows), pd.DataFrame(columns=["folder", "reason"]))
    for name, columns in COLUMNS.items():
        table = pd.DataFrame(tables.get(name, []), columns=["run", *columns])
        runs.__dict__[name] = table  # where cached_property keeps what was read
    return runs


def _at(value: Any, seed: int) -> Any:
    return value[seed] if isinstance(value, tuple) else value


def choices(
    target: float | None = None, targets: dict[str, float] | None = None, **rules: dict[str, Any]
) -> Choices:
    """What pilots chose: `best={"model.norm=batch": 0.1}` by rule and arm, learning rates.

    An arm of several keys is written "optimizer.name=sgd model.norm=none"; "" is every arm.
    """
    entries = [
        Chosen("choice", rule, _keys(where), "optimizer.lr", value, 0.9)
        for rule, arms in rules.items()
        for where, value in arms.items()
    ]
    goals = {"target": target} if target is not None else targets or {}
    entries += [Chosen("target", name, value=goal) for name, goal in goals.items()]
    return Choices(tuple(entries))


def _keys(text: str) -> dict[str, Any]:
    pairs = (part.partition("=") for part in text.split())
    return {key: yaml.safe_load(value) for key, _, value in pairs}
