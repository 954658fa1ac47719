"""Scalars of a run to TensorBoard, MLflow or W&B, besides the record. Off by default."""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from bnexp.config import Logger
from bnexp.errors import UserError


class ScalarLog(Protocol):
    """What a logger can do."""

    def log(self, step: int, scalars: Mapping[str, float]) -> None:
        """Send values, each by its name, as of `step`."""

    def close(self) -> None:
        """Write out what is pending; nothing may be logged after."""


def make_logger(logger: Logger, folder: Path, config: Mapping[str, Any]) -> ScalarLog | None:
    """Start the logger that `logger.name` asks for; None for `none`.

    Files go below `folder`, the run's; `config` is sent along as the run's parameters. Raises
    UserError where the package is not installed.
    """
    if logger.name == "none":
        return None
    try:
        module = import_module(f"bnexp.loggers.{logger.name}")
    except ImportError as error:
        raise UserError(
            f"logger={logger.name} needs bnexp[{logger.name}]: "
            f"pip install 'bnexp[{logger.name}]' ({error})"
        ) from None
    started: ScalarLog = module.start(logger, folder, config)
    return started
