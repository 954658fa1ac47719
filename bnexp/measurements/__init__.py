"""What is measured apart from training runs: on layers, and on small nets in loops of their own.

A measurement is a module with `measure(seed, **options)`, which returns rows (layer, name, value)
of the table `measures`, or tables by name as in FORMAT.md where its rows have steps.
"""

from importlib import import_module
from pathlib import Path
from typing import Any

from bnexp.errors import UserError


def names() -> list[str]:
    """Every measurement."""
    return sorted(path.stem for path in Path(__file__).parent.glob("[!_]*.py"))


def run(name: str, seed: int, options: dict[str, Any]) -> dict[str, list[tuple[Any, ...]]]:
    """The tables of the measurement `name`. Raises UserError where there is none.

    Rows of three columns are those of `measures` at step 0.
    """
    if name not in names():
        raise UserError(f"measurement {name}: no such one; known are {', '.join(names())}")
    found = import_module(f"{__name__}.{name}").measure(seed, **options)
    return found if isinstance(found, dict) else {"measures": [(0, *row) for row in found]}
