"""conf/reproduce.yaml: presets, and for each dataset its target and budget."""

from functools import lru_cache
from typing import Any

import yaml

from bnexp.compose import CONF


@lru_cache
def ledger_config() -> dict[str, Any]:
    """The file as plain data."""
    tree: dict[str, Any] = yaml.safe_load((CONF / "reproduce.yaml").read_text(encoding="utf-8"))
    return tree
