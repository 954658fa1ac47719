"""What runs were made with, for every figure: dataset, net, optimizer."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from bnexp.report.labels import canonical, is_unset, listed, value_name

KINDS = {"mlp": "MLP", "cnn": "CNN", "rnn": "RNN", "lstm": "LSTM", "resnet": "ResNet"}
OPTIMIZERS = {
    "sgd": "SGD",
    "momentum": "SGD with momentum",
    "nesterov": "SGD with Nesterov momentum",
    "rmsprop": "RMSprop",
    "adam": "Adam",
    "adamw": "AdamW",
}
MOST = 3  # named; more are counted


def context(runs: pd.DataFrame) -> str:
    """ "digits, MLP 64-64, SGD at 0.1": what all `runs` have, or what some of them have."""
    parts = [_named(runs, part, plural) for part, plural in PARTS]
    return " \N{MIDDLE DOT} ".join(filter(None, parts))


def net_name(run: dict[str, Any]) -> str:
    """A run's net in words, its normaliser apart: "MLP 256-128-64", "resnet18"."""
    kind = str(run.get("model.kind", ""))
    name, widths, depth = (run.get(f"model.{key}") for key in ("name", "widths", "depth"))
    if not is_unset(name):
        return str(name).rpartition(".")[2]
    word = KINDS.get(kind, kind.replace("_", " "))
    if isinstance(depth, int | float) and not is_unset(depth):
        return f"{word}, {value_name(depth)} hidden layer{'' if depth == 1 else 's'}"
    return f"{word} {value_name(widths)}" if isinstance(widths, list) else word


def optimizer_name(run: dict[str, Any]) -> str:
    """A run's optimizer in words, without its rate."""
    name = str(run.get("optimizer.name", ""))
    return OPTIMIZERS.get(name, name)


def dataset(name: Any, root: Any) -> str:
    """A dataset as people call it: a folder of images by the folder's name."""
    folder = name == "image_folder" and isinstance(root, str) and Path(root).name
    return folder or str(name)


def data_name(run: dict[str, Any]) -> str:
    """A run's dataset, and how much of it was trained on where that was limited."""
    size = run.get("data.train_size")
    name = dataset(run.get("data.name", ""), run.get("data.root"))
    return name if is_unset(size) else f"{size:,.0f} images of {name}"


PARTS: tuple[tuple[Callable[[dict[str, Any]], str], str], ...] = (
    (data_name, "datasets"),
    (net_name, "nets"),
    (optimizer_name, "optimizers"),
)
KEYS = (
    "data.name", "data.root", "data.train_size", "model.kind", "model.name", "model.widths",
    "model.depth", "optimizer.name",
)  # fmt: skip


def _named(runs: pd.DataFrame, part: Callable[[dict[str, Any]], str], plural: str) -> str:
    names = sorted({part(run) for run in _distinct(runs)} - {""})
    if len(names) > MOST:
        return f"{len(names)} {plural}"
    return listed(names) if names else ""


def _distinct(runs: pd.DataFrame) -> list[dict[str, Any]]:
    """The distinct values of KEYS."""
    rows = runs[[key for key in KEYS if key in runs]].to_dict("records")
    return list({canonical(run): {str(key): run[key] for key in run} for run in rows}.values())
