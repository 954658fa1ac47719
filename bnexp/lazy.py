"""What is imported when it is first asked for: names of packages, entries of registries.

`bnexp.norms.catalogue` must not bring in torch, which `bnexp.norms` needs for its layers.
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Any, TypeVar

T = TypeVar("T")


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


class Registry(Mapping[str, T]):
    """Entries of one `kind` by name; each in `homes` is added by its module there, when asked for.

    Their order is that of `homes`, then that in which others were added.
    """

    def __init__(self, kind: str, homes: Mapping[str, str] | None = None) -> None:
        self._kind, self._homes = kind, homes or {}
        self._entries: dict[str, T] = {}

    def add(self, name: str, entry: T) -> None:
        """Add an entry for the rest of the process. ValueError where the name is taken."""
        taken = name in self._homes and self._homes[name] not in sys.modules
        if taken or name in self._entries:
            raise ValueError(f"there is {self._kind} {name!r} already")
        self._entries[name] = entry

    def __getitem__(self, name: str) -> T:
        if name not in self._entries and name in self._homes:
            import_module(self._homes[name])
        return self._entries[name]

    def __contains__(self, name: object) -> bool:
        return name in self._homes or name in self._entries

    def __iter__(self) -> Iterator[str]:
        yield from self._homes
        yield from (name for name in self._entries if name not in self._homes)

    def __len__(self) -> int:
        return sum(1 for _ in self)
