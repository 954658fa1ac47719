"""The arms of a call: all that a sweep can express, told apart by as few keys as possible."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from bnexp.compose import config_loader
from bnexp.errors import UserError
from bnexp.plan import Plan
from bnexp.report.arms import SEEDS, group
from bnexp.report.labels import canonical
from bnexp.runs.identity import excluded, flatten
from bnexp.runs.tables import Runs
from bnexp.sweep import expand, plan_jobs

RATE = "optimizer.lr"
WEIGHTS = "model.weights"  # a path, no part of the identity; what the file holds is


@dataclass(frozen=True)
class Arm:
    """One arm: its label, the keys that tell it from the others, its checked run.

    `tuned` says whether pilots choose its learning rate.
    """

    label: str
    where: dict[str, Any]
    overrides: tuple[str, ...]
    plan: Plan
    tuned: bool

    @property
    def rate(self) -> float:
        """The learning rate in its configuration, whether typed or a default."""
        return float(self.plan.config.optimizer.lr)


def arms_of(words: Sequence[str], tune: bool = True) -> list[Arm]:
    """The arms that the overrides of a command line describe, the first one first.

    With `tune` false, the rates of all arms stay as they are, typed or not. Raises UserError.
    """
    if removed := [word for word in words if word.startswith("~")]:
        raise UserError(f"{removed[0]}: compare takes keys with values; it removes none")
    typed = [word for word in words if word.partition("=")[0].lstrip("+") != "sweep"]
    grids = [grid for word in words if word not in typed for grid in _grids(word)]
    lists = list(dict.fromkeys(map(tuple, expand(typed, grids, config_loader()))))
    jobs = plan_jobs(lists)
    unique = list({job.plan.identity: job for job in jobs}.values())
    if len(unique) < 2:
        raise UserError(
            "compare: needs two arms or more, such as model.norm=batch,group or "
            "'sweep=[{...}, {...}]'"
        )
    tuned = [tune and not any(_key(line) == RATE for line in job.overrides) for job in unique]
    configs = [flatten(job.plan.config.model_dump()) for job in unique]
    flat = [
        config | ({RATE: None} if own else {}) for config, own in zip(configs, tuned, strict=True)
    ]
    keys = _telling_apart(flat, all(tuned) or any(tuned))
    table = pd.DataFrame(
        [
            {"run": job.plan.identity, "preset": job.plan.preset, "outcome": "trained", **config}
            for job, config in zip(unique, flat, strict=True)
        ]
    )
    labels = _labels(table, keys)
    return [
        Arm(labels[i], {key: flat[i].get(key) for key in keys}, job.overrides, job.plan, tuned[i])
        for i, job in enumerate(unique)
    ]


def _grids(word: str) -> list[Any]:
    """The grids of `sweep=[...]`."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import OverrideParseException

    try:
        [override] = OverridesParser.create().parse_overrides([f"sweep={word.partition('=')[2]}"])
        grids = override.value()
    except OverrideParseException as error:
        raise UserError(f"{word}: cannot be read: {' '.join(str(error).split())}") from None
    if not isinstance(grids, list) or not all(isinstance(grid, dict) for grid in grids):
        raise UserError(f"{word}: must be a list of grids, such as sweep=[{{model: mlp}}, ...]")
    return [_plain(grid) for grid in grids]


def _plain(value: Any) -> Any:
    """Quoted strings of Hydra's as plain ones."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return getattr(value, "text", value)


def _telling_apart(flat: Sequence[dict[str, Any]], rates_are_chosen: bool) -> list[str]:
    """The fewest keys that tell all arms apart, the norm and the net first. Raises UserError."""
    names = dict.fromkeys(key for config in flat for key in config)
    order = ("model.norm", "model.", "data.", "optimizer.", "training.")
    differ = [
        key
        for key in names
        if key not in SEEDS
        and (key == WEIGHTS or not excluded(key))
        and not (rates_are_chosen and key == RATE)
        and len({canonical(config.get(key)) for config in flat} - {"{}"}) > 1
    ]
    differ.sort(key=lambda key: next((i for i, s in enumerate(order) if key.startswith(s)), 9))
    chosen: list[str] = []
    count = 1
    for key in differ:
        groups = {canonical([config.get(one) for one in (*chosen, key)]) for config in flat}
        if len(groups) > count:
            chosen, count = [*chosen, key], len(groups)
    if count < len(flat):
        raise UserError(
            "compare: two arms differ in their learning rate alone, chosen for the one and typed "
            "for the other: type both"
        )
    return chosen


def _labels(table: pd.DataFrame, keys: Sequence[str]) -> list[str]:
    """The arms' labels in every table and figure, in the order of the rows."""
    rows = table.assign(seed=0, status="done", folder="")
    found = group(Runs(rows), by=keys)
    by_run = {arm.runs["run"].iloc[0]: arm.label for arm in found}
    labels = [by_run[run] for run in table["run"]]
    return [
        label if labels.count(label) == 1 else f"{label} ({labels[: i + 1].count(label)})"
        for i, label in enumerate(labels)
    ]


def find_control(arms: Sequence[tuple[str, Mapping[str, Any]]], text: str | None) -> str:
    """The label of the arm that `control=` names, by its label or by a value of its own.

    `arms` are labels and the keys that tell them apart; without a name it is the first.
    """
    if text is None:
        return arms[0][0]
    named = [label for label, _ in arms if label.lower() == text.lower()]
    valued = [label for label, keys in arms if text in map(str, keys.values())]
    for found in (named, valued):
        if len(found) == 1:
            return found[0]
    raise UserError(
        f"control={text}: must name one of the arms: {', '.join(label for label, _ in arms)}"
    )


def half_decades(rate: float, reach: int = 2) -> list[float]:
    """1, 3, 10, ... around a rate: `reach` of them to either side of the nearest."""
    middle = round(2 * math.log10(rate))
    steps = range(middle - reach, middle + reach + 1)
    return [float(f"{3 if step % 2 else 1}e{step // 2}") for step in steps]


def _key(override: str) -> str:
    return override.partition("=")[0].lstrip("+")
