"""Records as training writes them, made up in milliseconds: curves, gradients, activations."""

import copy
import zlib
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from bnexp.compose import compose
from bnexp.norms.catalogue import NORMS
from bnexp.runs.identity import identity
from bnexp.runs.record import Record

SPEED = {"none": 0.6, "batch": 2.0, "layer": 1.2, "group": 1.1}
LAYERS = 4  # hidden ones
RATIO = {"none": 0.41, "batch": 1.2, "layer": 1.0, "group": 1.1}


@lru_cache
def _base() -> dict[str, Any]:
    tree, _ = compose(("model=mlp", "optimizer=sgd"))
    return tree


def write_run(
    runs_dir: Path,
    norm: str = "batch",
    seed: int = 0,
    *,
    outcome: str = "trained",
    status: str = "done",
    epochs: int = 6,
    steps_per_epoch: int = 10,
    layers: bool = True,
    preset: str | None = None,
    command: str = "bnexp train",
    final: float | None = None,
    **keys: Any,
) -> Path:
    """Write one record and return its folder; `keys` are dotted keys with __ for the dot.

    Without `layers`, as a run without probes; `final` is the accuracy that it ends at.
    """
    config = copy.deepcopy(_base())
    config["seed"], config["device"] = seed, "cpu"
    config["model"] |= {"norm": norm, "norm_options": _options(norm)}
    config["training"]["epochs"] = epochs
    for key, value in keys.items():
        section, _, name = key.partition("__")
        config[section][name] = value
    name = identity(config, "content")
    preset = preset or f"mlp_{norm}"
    header = {"identity": name, "preset": preset, "content": "content"}
    provenance = {"bnexp": "0.1.0", "torch": "2.14.1", "device_name": "CPU", "command": command}
    record = Record(runs_dir / f"{preset}-{name}", header | {"provenance": provenance})
    record.start(config)
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    rate = SPEED.get(norm, 1.0) * config["optimizer"]["lr"] ** 0.3 * rng.uniform(0.9, 1.1)
    total = epochs * steps_per_epoch
    ended = total // 2 if outcome == "diverged" else total
    fill(record, rng, 0.0 if outcome == "not trained" else rate, ended, steps_per_epoch, norm)
    if not layers:
        for table in ("gradients", "activations", "histograms"):
            record.tables[table].clear()
    reason = f"diverged at step {ended}" if outcome == "diverged" else None
    if status == "done":
        record.flush()
        results = _results(record, outcome, rng)
        if final is not None:
            results |= dict.fromkeys(("val_accuracy", "test_accuracy"), final)
        record.mark(status, outcome=outcome, reason=reason, results=results)
    else:
        record.mark(status, reason="RuntimeError: no luck" if status == "failed" else None)
    return record.folder


def fill(
    record: Record, rng: np.random.Generator, rate: float, ended: int, each: int, norm: str
) -> None:
    """Rows of every table, up to the step `ended`."""
    ratio = RATIO.get(norm, 1.0)

    def loss(step: float) -> float:
        return float(2.3 * np.exp(-rate * step / 10) + 0.01 * rng.uniform(0.5, 1.5))

    for step in range(ended):
        record.tables["steps"].append((step, step // each + 1, loss(step), 0.1, 0.001))
    for epoch in range(ended // each + 1):
        step = epoch * each
        accuracy = 0.1 + 0.88 * (1 - np.exp(-rate * step / 15)) + 0.01 * rng.uniform(-1, 1)
        values = [
            loss(step),
            min(1.0, accuracy + 0.015),
            loss(step),
            accuracy,
            loss(step),
            accuracy,
        ]
        train_mode = values if norm == "batch" else [None] * 6
        seconds = (0.01 * step * rng.uniform(0.9, 1.1), 0.1, 0.1)
        record.tables["epochs"].append(
            (epoch, step, *map(_plain, [*values, *train_mode, *seconds]))
        )
    for step in sorted({0, ended // 2, ended}):
        for index in range(1, LAYERS + 2):
            layer = "head" if index > LAYERS else f"layers.{index - 1}"
            dz = 0.1 * ratio ** (LAYERS + 1 - index) * rng.uniform(0.95, 1.05)
            record.tables["gradients"].append((step, layer, index, 2 * dz, 5.0, float(dz)))
            mean = 0.0 if norm == "batch" else 0.02 * step * index
            for tensor in ("input", "pre_activation", "activation")[: 1 if index > LAYERS else 3]:
                row = (float(mean), 1.0, mean - 1.0, float(mean), mean + 1.0, 0.0, None)
                record.tables["activations"].append((step, layer, index, tensor, *row))
                counts = np.histogram(rng.normal(size=500), bins=64, range=(-3, 3))[0]
                record.tables["histograms"].append(
                    (step, layer, index, tensor, mean - 3.0, mean + 3.0, " ".join(map(str, counts)))
                )
    record.tables["measures"].append((0, "layers.0", "gamma_mean", 1.0))


def _results(record: Record, outcome: str, rng: np.random.Generator) -> dict[str, Any]:
    last = record.tables["epochs"][-1]
    names = (
        "train_loss",
        "train_accuracy",
        "val_loss",
        "val_accuracy",
        "test_loss",
        "test_accuracy",
    )
    finished = outcome != "diverged"
    results: dict[str, Any] = {
        name: value if finished else None for name, value in zip(names, last[2:8], strict=True)
    }
    steps = len(record.tables["steps"])
    return results | {
        "steps": steps,
        "epochs": last[0],
        "seconds_training": float(0.001 * steps * rng.uniform(0.9, 1.1)),
        "seconds_total": 0.002 * steps,
        "samples_per_second": 1000.0,
        "best_val_accuracy": last[5] if finished else None,
        "saved_for_backward_bytes": int(rng.integers(5e8, 6e8)),
        "best_epoch": last[0] if finished else None,
        "threads": 1,
    }


def _options(norm: str) -> dict[str, Any]:
    return NORMS[norm].options().model_dump() if norm in NORMS else {}


def _plain(value: Any) -> Any:
    return None if value is None else float(value) if not isinstance(value, int) else value
