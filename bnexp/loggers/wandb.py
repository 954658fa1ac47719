"""A W&B run kept offline in `<run>/wandb`; `wandb sync` sends it. No login, no network."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import wandb

from bnexp.config import Logger


class WandB:
    """Scalars as the history of one offline W&B run."""

    def __init__(self, project: str, folder: Path, config: Mapping[str, Any]) -> None:
        self.run = wandb.init(
            project=project,
            name=folder.name,
            dir=folder,
            config=dict(config),
            mode="offline",
            reinit="create_new",  # several runs in one process are several runs
            settings=wandb.Settings(
                silent=True,
                console="off",
                disable_git=True,
                save_code=False,
                x_disable_meta=True,  # no host or user name
                x_disable_stats=True,
            ),
        )

    def log(self, step: int, scalars: Mapping[str, float]) -> None:
        """Send values, each by its name, as of `step`."""
        self.run.log(dict(scalars), step=step)

    def close(self) -> None:
        """Write out what is pending."""
        self.run.finish()


def start(logger: Logger, folder: Path, config: Mapping[str, Any]) -> WandB:
    """Start an offline run named as the record's folder."""
    return WandB(logger.project, folder, config)
