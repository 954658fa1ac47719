"""TensorBoard event files in `<run>/tensorboard`; look at them with `tensorboard --logdir runs`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch.utils.tensorboard import SummaryWriter

from bnexp.config import Logger


class TensorBoard:
    """Scalars as TensorBoard events."""

    def __init__(self, folder: Path) -> None:
        self.writer = SummaryWriter(str(folder))

    def log(self, step: int, scalars: Mapping[str, float]) -> None:
        """Send values, each by its name, as of `step`."""
        for name, value in scalars.items():
            self.writer.add_scalar(name, value, step)

    def close(self) -> None:
        """Write out what is pending."""
        self.writer.close()


def start(logger: Logger, folder: Path, config: Mapping[str, Any]) -> TensorBoard:
    """Start a writer; the configuration is in the record beside it."""
    return TensorBoard(folder / "tensorboard")
