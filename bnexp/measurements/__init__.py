"""What is measured on layers and small nets without training a classifier.

A measurement is a module with `measure(seed, **options)`, which returns rows (layer, name, value)
of the table `measures`.
"""

from importlib import import_module
from pathlib import Path
from typing import Any

from bnexp.errors import UserError


def names() -> list[str]:
    """Every measurement."""
    return sorted(path.stem for path in Path(__file__).parent.glob("[!_]*.py"))


def run(name: str, seed: int, options: dict[str, Any]) -> list[tuple[str, str, float]]:
    """The rows that the measurement `name` gives. Raises UserError where there is none."""
    if name not in names():
        raise UserError(f"measurement {name}: no such one; known are {', '.join(names())}")
    rows: list[tuple[str, str, float]] = import_module(f"{__name__}.{name}").measure(
        seed, **options
    )
    return rows
