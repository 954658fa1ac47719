"""TensorBoard event files in `<run>/tensorboard`; look at them with `tensorboard --logdir runs`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch.utils.tensorboard import SummaryWriter

from bnexp.config import Logger
from bnexp.loggers import Ending


class TensorBoard:
    """Scalars as TensorBoard events."""

    def __init__(self, folder: Path) -> None:
        self.known = _known(folder)
        self.writer = SummaryWriter(str(folder))

    def log(self, step: int, scalars: Mapping[str, float]) -> None:
        """Send values, each by its name, as of `step`."""
        for name, value in scalars.items():
            self.writer.add_scalar(name, value, step)

    def close(self, ending: Ending) -> None:
        """Write out what is pending."""
        if ending != "done":
            self.writer.add_text("status", ending)
        self.writer.close()


def _known(folder: Path) -> dict[str, int]:
    """The last step of every scalar that earlier event files hold."""
    if not folder.exists():
        return {}
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    events.Reload()
    names = events.Tags()["scalars"]
    return {name: max(event.step for event in events.Scalars(name)) for name in names}


def start(logger: Logger, folder: Path, config: Mapping[str, Any]) -> TensorBoard:
    """Start a writer; the configuration is in the record beside it."""
    return TensorBoard(folder / "tensorboard")
