"""Measured rows that stay on their device until they are asked for."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

Row = tuple[Any, ...]


class Recording:
    """Tables of rows whose cells may be tensors: numbers, or vectors of counts.

    Making one does not wait for the device; `rows` does, once. Holds no graph.
    """

    def __init__(self, tables: dict[str, list[Row]]) -> None:
        tensors = [cell for rows in tables.values() for row in rows for cell in row if _on(cell)]
        self._packed = torch.cat([tensor.flatten() for tensor in tensors or [_NOTHING]])
        self._tables = {
            name: [tuple(cell.shape if _on(cell) else cell for cell in row) for row in rows]
            for name, rows in tables.items()
        }

    def rows(self) -> dict[str, list[Row]]:
        """Return the tables with Python numbers for tensors and "1 2 3" for counts."""
        numbers = iter(self._packed.tolist())
        return {
            name: [tuple(_read(cell, numbers) for cell in row) for row in rows]
            for name, rows in self._tables.items()
        }


_NOTHING = torch.empty(0)


def _on(cell: Any) -> bool:
    return isinstance(cell, Tensor)


def _read(cell: Any, numbers: Iterator[float]) -> Any:
    if not isinstance(cell, torch.Size):
        return cell
    if len(cell) == 0:
        return next(numbers)
    return " ".join(str(int(next(numbers))) for _ in range(cell.numel()))
