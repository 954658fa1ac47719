"""What steps and instruments left on the device, until it is waited for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from bnexp.runs.record import Record
from bnexp.training.clock import Clock

if TYPE_CHECKING:
    from bnexp.probes import Recording


class Pending:
    """Losses and recordings that the record does not hold yet."""

    def __init__(self) -> None:
        self._losses: list[Tensor] = []
        self._steps: list[dict[str, Any]] = []  # what the host knows of each of them
        self._recordings: list[tuple[int, Recording]] = []

    def step(self, loss: Tensor, **known: Any) -> None:
        """Keep the row of a step."""
        self._losses.append(loss)
        self._steps.append(known)

    def record(self, step: int, recordings: Iterable[Recording]) -> None:
        """Keep what instruments measured at a step."""
        self._recordings += [(step, recording) for recording in recordings]

    def flush(self, record: Record, clock: Clock) -> list[tuple[int, float]]:
        """Move everything into the record's tables; return step and loss of each new step."""
        with clock.timed("training"):
            losses = torch.stack(self._losses).tolist() if self._losses else []
        for known, loss in zip(self._steps, losses, strict=True):
            record.add("steps", loss=loss, **known)
        with clock.timed("probing"):
            for step, recording in self._recordings:
                for table, rows in recording.rows().items():
                    record.tables[table] += [(step, *row) for row in rows]
        new = [(known["step"], loss) for known, loss in zip(self._steps, losses, strict=True)]
        self._losses, self._steps, self._recordings = [], [], []
        return new
