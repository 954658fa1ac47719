"""What users name as package.module.name: found, imported, and known by its source."""

import ast
import hashlib
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib import import_module
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

_KNOWN = {"bnexp", "torch", "torchvision"}  # their versions are recorded


def import_object(name: str) -> Any:
    """The object `package.module.name`; the module may lie in the working folder.

    Raises whatever importing it raises.
    """
    _see_working_folder()
    home, _, attribute = name.rpartition(".")
    return getattr(import_module(home), attribute)


def source_hash(names: Iterable[str]) -> str | None:
    """SHA-256 of the sources of the modules that hold these objects, as `package.module.name`.

    The hash is over their syntax trees, so comments and formatting do not matter, together with
    those of the modules that they import, installed ones left out. An installed module is hashed
    by itself. None where no source is found, or where it is torch's. Nothing is imported.
    """
    _see_working_folder()
    homes = sorted({name.rpartition(".")[0] for name in names})
    loaded = [getattr(sys.modules.get(home), "__spec__", None) for home in homes]
    return _hash(tuple(homes), tuple(map(id, loaded)))


@lru_cache(maxsize=1024)
def _hash(homes: tuple[str, ...], loaded: tuple[int, ...]) -> str | None:
    """`source_hash`, once for each set of loaded modules, which ignore later edits too."""
    sources: dict[str, str] = {}
    waiting = [home for home in homes if home.partition(".")[0] not in _KNOWN]
    while waiting:
        module = waiting.pop()
        file = _file(module)
        if module in sources or file is None or (module not in homes and _installed(file)):
            continue
        try:
            tree = ast.parse(file.read_bytes())
        except (OSError, SyntaxError, ValueError):
            continue  # importing it will say why
        sources[module] = ast.unparse(tree)
        if not _installed(file):
            waiting += _imports(tree, module, is_package=file.name == "__init__.py")
    if not sources:
        return None
    text = "\0".join(f"{module}\0{sources[module]}" for module in sorted(sources))
    return hashlib.sha256(text.encode()).hexdigest()


def _see_working_folder() -> None:
    here = str(Path.cwd())
    if here not in sys.path and "" not in sys.path:
        sys.path.append(here)  # last, so that it hides nothing that is installed


def _file(module: str) -> Path | None:
    """The source of a module, found without importing its package."""
    top, *rest = module.split(".")
    spec = PathFinder.find_spec(top) if top not in _KNOWN else None
    if spec is None:
        return None
    if not rest:
        file = Path(spec.origin or "")
        return file if file.suffix == ".py" else None
    for folder in spec.submodule_search_locations or ():
        path = Path(folder, *rest)
        for file in (path.with_name(f"{path.name}.py"), path / "__init__.py"):
            if file.is_file():
                return file
    return None


def _installed(file: Path) -> bool:
    folders = {sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")}
    return any(file.is_relative_to(folder) for folder in folders)


def _imports(tree: ast.AST, module: str, is_package: bool) -> Iterator[str]:
    """The names that may be modules in the imports of a module, with the packages around them."""
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            outwards = node.level - is_package
            around = module.split(".")[: -outwards or None] if node.level else []
            home = ".".join([*around, *([node.module] if node.module else [])])
            names = [home, *(f"{home}.{alias.name}" for alias in node.names)]
        for name in names:
            parts = name.split(".")
            yield from (".".join(parts[:n]) for n in range(1, len(parts) + 1))
