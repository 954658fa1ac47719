"""The datasets that there are: ours, and others' plugins."""

from bnexp.data.dataset import DATASETS
from bnexp.plugins import load_plugins

load_plugins()

__all__ = ["DATASETS"]
