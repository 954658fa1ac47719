"""Packages whose names are imported when they are first asked for.

`bnexp.norms.catalogue` must not bring in torch, which `bnexp.norms` needs for its layers.
"""

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def names_from(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """A module's `__getattr__` for `package`: each name of `homes` from its module there.

    `dir(package)` tells of them too.
    """
    module = vars(sys.modules[package])
    module["__dir__"] = lambda: sorted({*module, *homes})

    def get(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(homes[name]), name)

    return get
