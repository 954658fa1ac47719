"""The house's floors: who may import whom, read off the source."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from tests.conftest import REPOSITORY

FLOORS = """
__main__ cli completion explain explain_page listing
versus
comparisons
api measurements report sweep
plan training
compose keys loggers schema
arguments complaints runs
config
data models probes training.optimizers
norms
cores errors importing lazy plugins random_state section showing
""".strip().splitlines()
FLOOR = {name: height for height, line in enumerate(reversed(FLOORS)) for name in line.split()}


def modules() -> dict[str, Path]:
    found = {}
    for path in (REPOSITORY / "bnexp").rglob("*.py"):
        name = ".".join(path.relative_to(REPOSITORY).with_suffix("").parts)
        found[name.removesuffix(".__init__")] = path
    return found


MODULES = modules()


def imports(node: ast.AST, eager: bool) -> Iterator[str]:
    """What a module imports, types apart; `eager` leaves out what waits inside a function."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        if eager and isinstance(child, ast.FunctionDef | ast.Lambda):
            continue
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            names = [f"{child.module}.{alias.name}" for alias in child.names]
            yield from (name if name in MODULES else str(child.module) for name in names)
        yield from imports(child, eager)


@cache
def graph(eager: bool) -> dict[str, set[str]]:
    return {
        name: set(imports(ast.parse(path.read_text(encoding="utf-8")), eager)) - {name}
        for name, path in MODULES.items()
    }


def package(module: str) -> str:
    return module.split(".")[1] if "." in module else module


def floor(module: str) -> int:
    """That of the module where it stands by itself, else that of its package."""
    own = [name for name in FLOOR if f"{module}.".startswith(f"bnexp.{name}.")]
    return FLOOR[max(own, key=len)]


def circle(edges: Mapping[str, set[str]]) -> list[str]:
    """Some circle of modules, or nothing."""
    done: set[str] = set()

    def visit(name: str, way: list[str]) -> list[str]:
        if name in way:
            return [*way[way.index(name) :], name]
        if name in done or name not in edges:
            return []
        for other in sorted(edges[name]):
            if found := visit(other, [*way, name]):
                return found
        done.add(name)
        return []

    return next((found for name in sorted(edges) if (found := visit(name, []))), [])


def test_no_circle_of_imports() -> None:
    assert circle(graph(eager=True)) == []


def test_no_circle_between_packages_not_even_of_imports_that_wait() -> None:
    """Within a package, a module may wait for a neighbour that needs it."""
    between = {
        name: {other for other in others if package(other) != package(name)}
        for name, others in graph(eager=False).items()
    }
    assert circle(between) == []


def test_every_arrow_points_downwards() -> None:
    wrong = [
        f"{name} -> {other}"
        for name, others in graph(eager=False).items()
        for other in others
        if other in MODULES and "." in name and "." in other
        if floor(name) < floor(other)
    ]
    assert wrong == []


def test_every_module_has_its_floor() -> None:
    packages = {package(name) for name in MODULES if "." in name}
    assert packages == {name for name in FLOOR if "." not in name}


def test_what_only_reads_records_knows_no_torch() -> None:
    reads = ("bnexp.report", "bnexp.runs", "bnexp.comparisons.judges")
    found = {
        name: others
        for name, others in graph(eager=False).items()
        if name.startswith(reads) and any(other.partition(".")[0] == "torch" for other in others)
    }
    assert found == {}


def test_a_run_loads_what_it_uses_and_no_more() -> None:
    counted = subprocess.run(
        [sys.executable, REPOSITORY / "scripts" / "count_modules.py", "--names"],
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=True,
    )
    *names, total = counted.stdout.splitlines()
    others = ("cnn", "resnet", "recurrent", "external", "data.cifar", "data.idx", "keys", "sweep")
    others += ("norms.layers", "norms.precise", "probes.moment", "probes.watch", "report")
    others += ("comparisons", "completion", "explain", "loggers", "versus")
    assert [name for name in names if name.endswith(tuple(f".{other}" for other in others))] == []
    assert int(total.partition(" ")[0]) <= 67
