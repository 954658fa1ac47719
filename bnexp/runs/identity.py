"""What makes two runs the same run."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bnexp.config import NOT_IDENTITY

FORMAT = 1

# Keys added to the schema after format 1, each with the value that older versions behaved as.
LATER: dict[str, Any] = {
    "probes.shift": None,
    "probes.smoothness": None,
    "probes.companions": None,
    "probes.updates": None,
    "data.test_rest": False,
    "data.split_seed": None,
    "data.batch_sizes": None,
    "data.lengths": None,
    "data.jitter": 0.0,
    "training.evaluate": ["train", "val", "test"],
    "training.evaluate_train_mode": "always",
    "training.evaluate_samples": None,
    "training.ema": None,
    "model.norm_options.initial_scale": 1.0,
    "model.norm_options.initial_shift": 0.0,
}


@dataclass(frozen=True)
class Traits:
    """What decides about a run's result beside its configuration and its data.

    The planner finds these out; a trait with its default value does not enter the identity.
    """

    batch_statistics: bool = False  # some norm of the model uses its batch in training mode
    uneven: bool = False  # some optimizer step accumulates batches of different sizes
    source: str | None = None  # hash of the source of a user's model, norm, dataset
    weights: str | None = None  # hash of the file of `model.weights`


NO_TRAITS = Traits()


# Corrections since format 1 that change numbers, each with the runs (flat configuration, traits)
# whose numbers it changes. It enters the identity of these alone; all others keep theirs.
REVISIONS: dict[str, Callable[[Mapping[str, Any], Traits], bool]] = {
    "train_mode_permuted": lambda config, traits: (
        traits.batch_statistics and config.get("training.evaluate_train_mode") != "never"
    ),
    "accumulate_by_sample": lambda config, traits: traits.uneven,
    "fp16_momentum": lambda config, traits: (
        config["precision"] == "fp16" and config["optimizer.name"] in ("momentum", "nesterov")
    ),
}


def flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one level: `{"model": {"norm": "batch"}}` -> `{"model.norm": "batch"}`.

    An empty mapping stays, as a value.
    """
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping) and value:
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def revisions(flat: Mapping[str, Any], traits: Traits) -> list[str]:
    """The names of the corrections that concern a run of this flat configuration."""
    return [name for name, holds in REVISIONS.items() if holds(flat, traits)]


def excluded(key: str) -> bool:
    """Whether a dotted key, or the section it is in, is no part of the identity."""
    return any(key == name or key.startswith(f"{name}.") for name in NOT_IDENTITY)


def identity(config: Mapping[str, Any], content: str, traits: Traits = NO_TRAITS) -> str:
    """Twelve hex digits that name a run; see FORMAT.md.

    `config` is the full configuration as plain data, its device resolved; `content` the hash of
    the dataset's content.
    """
    flat = flatten(config)
    kept = {
        key: _one_zero(value)
        for key, value in flat.items()
        if not excluded(key) and not (key in LATER and LATER[key] == value)
    }
    kept |= {"device": config["device"].split(":")[0], "data.content": content, "format": FORMAT}
    kept |= {f"revision.{name}": True for name in revisions(flat, traits)}
    if traits.source is not None:
        kept["model.source"] = traits.source
    if traits.weights is not None:
        kept["model.weights"] = traits.weights
    canonical = json.dumps(kept, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def _one_zero(value: Any) -> Any:
    """Negative zero, also within a list or a mapping, as zero."""
    if isinstance(value, list | tuple):
        return [_one_zero(item) for item in value]
    if isinstance(value, dict):
        return {key: _one_zero(item) for key, item in value.items()}
    return 0.0 if isinstance(value, float) and value == 0 else value
