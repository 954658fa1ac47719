"""A Trackio run in its local database; `trackio show --project bnexp` is its dashboard. No network.

The database is where Trackio keeps it, or where TRACKIO_DIR says.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import trackio

from bnexp.config import Logger
from bnexp.loggers import Ending, LastSteps


class Trackio:
    """Scalars as the history of one Trackio run, named as the record's folder."""

    def __init__(self, project: str, folder: Path, config: Mapping[str, Any]) -> None:
        self.last = LastSteps(folder / "trackio_steps")
        self.known = self.last.known
        self.run = trackio.init(
            project=project,
            name=folder.name,
            config=dict(config),
            resume="allow",
            embed=False,
            auto_log_gpu=False,
            auto_log_cpu=False,
        )

    def log(self, step: int, scalars: Mapping[str, float]) -> None:
        """Send values, each by its name, as of `step`."""
        own = {name: value for name, value in scalars.items() if name != "step"}  # its own word
        self.run.log(own, step=step)
        self.last.note(step, scalars)

    def close(self, ending: Ending) -> None:
        """Write out what is pending; Trackio knows no runs that failed."""
        self.run.finish()


def start(logger: Logger, folder: Path, config: Mapping[str, Any]) -> Trackio:
    """Start a run named as the record's folder, or go on with it."""
    return Trackio(logger.project, folder, config)
