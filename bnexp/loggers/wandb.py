"""A W&B run kept offline in `<run>/wandb`; `wandb sync` sends it. No login, no network."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import wandb

from bnexp.config import Logger
from bnexp.loggers import Ending, LastSteps, identity_of


class WandB:
    """Scalars as the history of one W&B run, of which each process keeps a part offline."""

    def __init__(self, project: str, folder: Path, config: Mapping[str, Any]) -> None:
        self.last = LastSteps(folder / "wandb" / "last_step")  # offline parts can't be read back
        self.known = self.last.known
        self.run = wandb.init(
            project=project,
            name=folder.name,
            id=identity_of(folder),
            resume="allow",
            dir=folder,
            config=dict(config),
            mode="offline",
            reinit="create_new",  # several runs in one process are several runs
            settings=wandb.Settings(
                silent=True,
                console="off",
                host="not recorded",
                disable_git=True,
                save_code=False,
                x_disable_meta=True,  # no user name
                x_disable_stats=True,
            ),
        )

    def log(self, step: int, scalars: Mapping[str, float]) -> None:
        """Send values, each by its name, as of `step`."""
        self.run.log(dict(scalars), step=step)
        self.last.note(step, scalars)

    def close(self, ending: Ending) -> None:
        """Write out what is pending."""
        self.run.summary["status"] = ending
        self.run.finish(exit_code=int(ending != "done"))


def start(logger: Logger, folder: Path, config: Mapping[str, Any]) -> WandB:
    """Start an offline part of the run named as the record's folder."""
    return WandB(logger.project, folder, config)
