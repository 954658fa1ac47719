"""An MLflow run, on the server or in the database that `logger.uri` names, else `<run>/mlflow.db`.

Look at a file with `mlflow ui --backend-store-uri sqlite:///<run>/mlflow.db`. (MLflow 3 refuses
plain folders.)
"""

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Metric, Param

from bnexp.config import Logger
from bnexp.loggers import PATIENCE, Ending, identity_of
from bnexp.runs.identity import flatten

PARAMETERS = 100  # that a server takes at once
IDENTITY = "bnexp.identity"  # the tag by which a run is found again
STATUS = {"done": "FINISHED", "interrupted": "KILLED", "failed": "FAILED"}


class MLflow:
    """Scalars as metrics of one MLflow run, which goes on where the same run was before."""

    def __init__(self, uri: str, experiment: str, name: str, config: Mapping[str, Any]) -> None:
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")  # minutes, else
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", str(int(PATIENCE)))
        self.client = MlflowClient(uri)
        self.known: dict[str, int] = {}
        found = self.client.get_experiment_by_name(experiment)
        where = found.experiment_id if found else self.client.create_experiment(experiment)
        tag = identity_of(Path(name))
        begun = self.client.search_runs([where], f"tags.`{IDENTITY}` = '{tag}'", max_results=1)
        if begun and not config.get("rerun"):
            self.run = begun[0].info.run_id
            self.client.update_run(self.run, status="RUNNING")
            for metric in begun[0].data.metrics:
                history = self.client.get_metric_history(self.run, metric)
                self.known[metric] = max(point.step for point in history)
            return
        self.run = self.client.create_run(where, run_name=name, tags={IDENTITY: tag}).info.run_id
        parameters = [Param(key, str(value)) for key, value in flatten(config).items()]
        for first in range(0, len(parameters), PARAMETERS):
            self.client.log_batch(self.run, params=parameters[first : first + PARAMETERS])

    def log(self, step: int, scalars: Mapping[str, float]) -> None:
        """Send values, each by its name, as of `step`."""
        now = int(1000 * time.time())
        self.client.log_batch(self.run, [Metric(k, v, now, step) for k, v in scalars.items()])

    def close(self, ending: Ending) -> None:
        """Mark the run as finished, killed or failed."""
        self.client.set_terminated(self.run, STATUS[ending])


def start(logger: Logger, folder: Path, config: Mapping[str, Any]) -> MLflow:
    """Start a run named as the record's folder, or go on with it."""
    uri = logger.uri or f"sqlite:///{(folder / 'mlflow.db').absolute()}"
    return MLflow(uri, logger.project, folder.name, config)
