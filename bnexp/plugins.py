"""What others add to bnexp: modules in a folder `bnexp_plugins` on Python's path.

Such a module registers what it brings (a family of nets, for example) when it is imported, and
its presets here. The folder needs no `__init__.py`, so any number of them can be installed. The
modules are imported before the schema is made, so they must not import `bnexp.config`.
"""

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

NAMESPACE = "bnexp_plugins"
PRESETS: dict[str, dict[str, tuple[str, Mapping[str, Any]]]] = {}  # by group and name


def add_preset(group: str, name: str, summary: str, values: Mapping[str, Any]) -> None:
    """Add a preset, as a file `conf/<group>/<name>.yaml` that begins with `# summary` would."""
    PRESETS.setdefault(group, {})[name] = (summary, values)


@cache
def load_plugins() -> None:
    """Import every module of the folder, once."""
    try:
        namespace = import_module(NAMESPACE)
    except ModuleNotFoundError as error:
        if error.name != NAMESPACE:
            raise
        return
    for module in iter_modules(namespace.__path__):
        import_module(f"{NAMESPACE}.{module.name}")
