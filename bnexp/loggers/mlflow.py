"""An MLflow run, on the server or in the database that `logger.uri` names, else `<run>/mlflow.db`.

Look at a file with `mlflow ui --backend-store-uri sqlite:///<run>/mlflow.db`. (MLflow 3 refuses
plain folders.)
"""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Metric, Param

from bnexp.config import Logger
from bnexp.runs.identity import flatten

PARAMETERS = 100  # that a server takes at once


class MLflow:
    """Scalars as metrics of one MLflow run."""

    def __init__(self, uri: str, experiment: str, name: str, config: Mapping[str, Any]) -> None:
        self.client = MlflowClient(uri)
        found = self.client.get_experiment_by_name(experiment)
        where = found.experiment_id if found else self.client.create_experiment(experiment)
        self.run = self.client.create_run(where, run_name=name).info.run_id
        parameters = [Param(key, str(value)) for key, value in flatten(config).items()]
        for first in range(0, len(parameters), PARAMETERS):
            self.client.log_batch(self.run, params=parameters[first : first + PARAMETERS])

    def log(self, step: int, scalars: Mapping[str, float]) -> None:
        """Send values, each by its name, as of `step`."""
        now = int(1000 * time.time())
        self.client.log_batch(self.run, [Metric(k, v, now, step) for k, v in scalars.items()])

    def close(self) -> None:
        """Mark the run as finished."""
        self.client.set_terminated(self.run)


def start(logger: Logger, folder: Path, config: Mapping[str, Any]) -> MLflow:
    """Start a run named as the record's folder."""
    uri = logger.uri or f"sqlite:///{(folder / 'mlflow.db').absolute()}"
    return MLflow(uri, logger.project, folder.name, config)
