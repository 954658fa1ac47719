"""Rows of the table `measures`, by run and name."""

from typing import Any


def measured(run: str, layer: str = "model", step: int = 9, **values: float) -> list[Any]:
    """One row for each name."""
    return [
        {"run": run, "step": step, "layer": layer, "name": name, "value": value}
        for name, value in values.items()
    ]
