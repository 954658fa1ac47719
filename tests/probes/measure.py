"""The instruments of one pass, together, on a model and a batch."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from bnexp.probes import Moment, Recording, find_instrument


@dataclass
class Together:
    """What some instruments recorded at one moment."""

    parts: list[Recording]

    def rows(self) -> dict[str, list[tuple[Any, ...]]]:
        """All tables that have rows."""
        tables: dict[str, list[tuple[Any, ...]]] = {}
        for part in self.parts:
            for name, rows in part.rows().items():
                if rows:
                    tables.setdefault(name, []).extend(rows)
        return tables


def record(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    loss_fn: Callable[..., Tensor],
    gradients: bool = False,
    activations: bool = False,
    histograms: bool = False,
    **options: Any,
) -> Together:
    """What these instruments record in one pass."""
    asked = {"gradients": gradients, "activations": activations, "histograms": histograms}
    due = [name for name, wanted in asked.items() if wanted]
    moment = Moment(model, x, y, loss_fn, due=frozenset(due), **options)
    found = [find_instrument(name)(moment) for name in due]
    return Together([one for one in found if isinstance(one, Recording)])
