"""The families of nets that there are: ours in the order of `bnexp list`, and others' plugins."""

from bnexp.models.family import FAMILIES
from bnexp.plugins import load_plugins

load_plugins()

__all__ = ["FAMILIES"]
