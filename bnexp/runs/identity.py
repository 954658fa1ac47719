"""What makes two runs the same run."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from bnexp.config import NOT_IDENTITY

FORMAT = 1

# Keys added to the schema after format 1, each with the value that older versions behaved as.
LATER: dict[str, Any] = {
    "probes.shift": None,
    "probes.smoothness": None,
    "probes.companions": None,
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


def excluded(key: str) -> bool:
    """Whether a dotted key, or the section it is in, is no part of the identity."""
    return any(key == name or key.startswith(f"{name}.") for name in NOT_IDENTITY)


def identity(config: Mapping[str, Any], content: str) -> str:
    """Twelve hex digits that name a run; see FORMAT.md.

    `config` is the full configuration as plain data, its device resolved; `content` the hash of
    the dataset's content.
    """
    flat = flatten(config)
    kept = {
        key: value
        for key, value in flat.items()
        if not excluded(key) and not (key in LATER and LATER[key] == value)
    }
    kept |= {"device": config["device"].split(":")[0], "data.content": content, "format": FORMAT}
    canonical = json.dumps(kept, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]
