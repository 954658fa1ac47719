"""A call as a comparison of the ledger's kind: built in memory, and saved as YAML."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bnexp.comparisons.config import ID, Comparison
from bnexp.comparisons.config import names as documented
from bnexp.comparisons.setting import Setting
from bnexp.errors import UserError
from bnexp.report.labels import listed
from bnexp.runs.files import write_text
from bnexp.versus.arms import RATE, Arm, half_decades
from bnexp.versus.call import Call
from bnexp.versus.judge import CHOICE
from bnexp.versus.metrics import SEARCH, Metric

EDITION = 0  # of seeds: 0, 1, 2, ... are judged
UNTIL = 1.16  # the factor to which the largest rate is known
NOT_SAVED = (
    "runs_dir", "workers", "progress", "retry", "on_error", "rerun", "threads", "device", "live",
    "logger",
)  # fmt: skip
JUDGE = "bnexp.versus.judge.pairs"


@dataclass(frozen=True)
class CallSetting(Setting):
    """The setting of one call: its grids say everything, the dataset and the budget too."""

    @property
    def dataset(self) -> dict[str, Any]:
        """A stand-in: a call takes nothing from the ledger's dataset."""
        return {"target": 1.0, "epochs": 1}

    def first(self, comparison: Comparison) -> int:
        """The seeds to begin with, at most `max_seeds` of them."""
        return min(super().first(comparison), self.seeds or self.max_seeds or 1)


def setting_of(call: Call) -> CallSetting:
    """The setting of a call: its numbers of seeds."""
    return CallSetting(
        (), "digits", "full", call.seeds, call.max_seeds, call.minutes, launcher=call.launcher
    )


def definition(call: Call, arms: Sequence[Arm], control: str, plan: bool = False) -> Comparison:
    """The comparison that a call asks for.

    Pilots see an arm whose rate is to be chosen, and with `plan` every arm, at its own rate.
    """
    metric, others = call.metric, [arm for arm in arms if arm.label != control]
    seen = [arm for arm in arms if arm.tuned or plan]
    keys = list(arms[0].where)
    whole: dict[str, Any] = {
        "id": "C1",
        "title": f"{listed([arm.label for arm in others])} against {control}, by {metric.name}",
        "section": "none",
        "question": f"Which is better by {metric.name}?",
        "documented": "nothing; it is a question",
        "kind": "training",
        "judge": JUDGE,
        "options": {
            "metric": metric.name,
            "control": control,
            "arms": {arm.label: arm.where for arm in arms},
        },
        "family": len(others),
        "control": control,
        "edition": EDITION,
        "pilots": call.pilots,
        "seeds": call.seeds,
        "max_seeds": call.max_seeds,
        "minutes": call.minutes,
        "fixed": [_grid(arm, call) for arm in arms if arm not in seen],
        "assertions": [assertion(metric, arm.label, control, call.margin) for arm in others],
    }
    if seen:
        by = "speed" if metric.is_time else "accuracy"
        whole["sweep"] = [_grid(arm, call) | {RATE: _rates(arm)} for arm in seen]
        whole["choose"] = [{"name": CHOICE, "per": keys, "by": by, "refine": True}]
    if seen and metric.is_time:  # a single level, whether the pilots reach it or not
        whole["target"] = {"most": metric.level, "step": 0.999}
    if metric.is_search:
        whole["search"] = [{"name": SEARCH, "than": CHOICE, "until": UNTIL, "arms": keys}]
    return Comparison.model_validate(whole)


def assertion(metric: Metric, arm: str, control: str, margin: float | None) -> dict[str, Any]:
    """That an arm is better than the control, as a comparison's YAML says it."""
    better = metric.words[0]
    says = f"{arm} is {better} than {control}"
    whole = {"quantity": arm, "says": says, "verb": better, "margin": margin}
    return whole | metric.rule


def _rates(arm: Arm) -> str:
    """The rates that pilots begin with; a typed rate is the only one."""
    rates = half_decades(arm.rate) if arm.tuned else [arm.rate]
    return ",".join(f"{rate:g}" for rate in rates)


def _grid(arm: Arm, call: Call) -> dict[str, Any]:
    """The whole configuration of an arm as a grid of one cell."""
    config = arm.plan.config
    given = {_name(line.partition("=")[0]): line.partition("=")[2] for line in arm.overrides}
    always = {
        "data": config.data.name,
        "probes": "none",
        "training.epochs": str(config.training.epochs),
    }
    alone = {"exclusive": "true"} if call.metric.is_timed else {}
    return always | given | alone


def _name(key: str) -> str:
    return key[2:] if key.startswith("++") else key


def save(comparison: Comparison, path: Path) -> None:
    """Write the comparison as YAML for `bnexp reproduce`. Raises UserError."""
    name = path.stem
    if path.suffix != ".yaml" or not ID.fullmatch(name):
        raise UserError(f"--save {path}: must be a letter, a number and .yaml, such as C1.yaml")
    if name in documented():
        raise UserError(f"--save {path}: {name} is one of the documented comparisons")
    plain = comparison.model_dump(
        mode="json", exclude_defaults=True, exclude={"id", "title", "edition"}
    )
    plain["edition"] = comparison.edition
    for grids in ("sweep", "fixed"):
        if grids in plain:
            plain[grids] = [_to_save(grid) for grid in plain[grids]]
    text = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=100)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, f"# {comparison.title}\n{text}")


def _to_save(grid: Mapping[str, Any]) -> dict[str, Any]:
    """A grid without the keys that are about this machine."""
    return {key: value for key, value in grid.items() if key.partition(".")[0] not in NOT_SAVED}
