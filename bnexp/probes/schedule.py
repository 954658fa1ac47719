"""When an instrument records."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bnexp.config import Schedule


def due(schedule: "Schedule | None", step: int, last: bool = False) -> bool:
    """Whether to record after `step` updates; `last`: no update will follow."""
    if schedule is None:
        return False
    regular = schedule.every is not None and step % schedule.every == 0
    return regular or step in schedule.at or (last and schedule.end)
