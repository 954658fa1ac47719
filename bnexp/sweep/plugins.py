"""Where sweeps meet Hydra: a sweeper that knows unions, and checks around every launcher.

Whichever launcher a command line selects, and whichever sweeper asks it, the jobs go through
`CheckedLauncher` first, which plans them all, drops what is done, and hands over the rest.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn, JobStatus
from hydra.experimental.callback import Callback
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from bnexp.compose import CONF, Composer
from bnexp.errors import UserError
from bnexp.sweep.engine import OtherLauncher
from bnexp.sweep.grids import expand
from bnexp.sweep.jobs import Job, plan_jobs
from bnexp.sweep.result import Result
from bnexp.sweep.run import default_workers
from bnexp.sweep.sweep import Sweep

OURS = "hydra_plugins.bnexp"


def register(arguments: Sequence[str]) -> None:
    """Make the plugins of this module known to Hydra, and set the defaults of other engines.

    Hydra takes plugins by names below `hydra_plugins` only; the classes stay where they are, so
    that any worker process can import them, from a checkout as from a wheel. A file of an engine's
    name would clash with the engine's own node in the config store; so that is what we change.
    """
    for plugin in (GridSweeper, CheckedLauncher):
        Plugins.instance().class_name_to_class[f"{OURS}.{plugin.__name__}"] = plugin
    store = ConfigStore.instance()
    ours: Any = OmegaConf.load(CONF / "hydra" / "engines.yaml")
    for group, engines in ours.items():
        for name, settings in engines.items():
            if f"{name}.yaml" in store.list(group):
                node = OmegaConf.merge(store.load(f"{group}/{name}.yaml").node, settings)
                store.store(name=name, group=group, node=node, provider="bnexp")
            elif f"{group}={name}" in arguments:
                extra = "slurm" if name.startswith("submitit") else name
                raise UserError(f"{group}={name}: is not installed; pip install 'bnexp[{extra}]'")


class GridSweeper(Sweeper):
    """All combinations of what sweeps on the command line and in `sweep`; see `expand`."""

    def __init__(self, params: dict[str, str] | None = None) -> None:
        self.params = params or {}

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Called by Hydra."""
        self.config, self.hydra_context = config, hydra_context
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context, task_function, config
        )

    def sweep(self, arguments: list[str]) -> Any:
        """Called by Hydra with the command line's overrides."""
        assert self.config is not None
        assert self.hydra_context is not None
        assert self.launcher is not None
        tree: Any = OmegaConf.to_container(self.config, resolve=False)
        if not isinstance(tree["sweep"], list):
            raise UserError(f"sweep={tree['sweep']}: must be a list of grids")
        if not isinstance(self.params, Mapping):
            raise UserError(f"hydra.sweeper.params={self.params}: must map keys to values")
        grids: Any = OmegaConf.to_container(self.config.sweep, resolve=True)
        typed = [line for line in arguments if line.partition("=")[0].lstrip("+") != "sweep"]
        params = [f"{key}={value}" for key, value in self.params.items()]
        jobs = expand([*params, *typed], grids, self.hydra_context.config_loader)
        return self.launcher.launch(jobs, initial_job_idx=0)


class CheckEveryJob(Callback):
    """Puts `CheckedLauncher` around the launcher that was selected, and counts the workers."""

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Called by Hydra before it makes the sweeper and the launcher."""
        with read_write(config), open_dict(config):
            if config.workers is None:
                config.workers = default_workers([])
            if not config.hydra.sweeper._target_.startswith(OURS):
                Path(config.hydra.sweep.dir).mkdir(parents=True, exist_ok=True)  # optuna wants it
            if not config.hydra.launcher._target_.startswith(OURS):
                config.hydra.launcher = {
                    "_target_": f"{OURS}.CheckedLauncher",
                    "_recursive_": False,
                    "engine": config.hydra.launcher,
                }


class CheckedLauncher(Launcher):
    """Plans all jobs, then trains those that are due: in our own pool, or by another launcher."""

    def __init__(self, engine: DictConfig | None = None) -> None:
        self.engine = engine

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Called by Hydra; `task_function` is the Sweep that collects the results."""
        assert isinstance(task_function, Sweep)
        self.sweep = task_function
        self.context, self.config = hydra_context, config

    def launch(
        self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
    ) -> Sequence[JobReturn]:
        """Called by the sweeper."""
        load = partial(self.context.config_loader.load_sweep_config, self.config)
        engine = self._engine()
        composer, here = Composer(load), engine is None or engine.here
        if self.config.hydra.sweeper._target_.startswith(OURS):
            jobs = plan_jobs(job_overrides, composer, here=here)
            results = self.sweep.run(jobs, engine)
            return [_job_return(job, result) for job, result in zip(jobs, results, strict=True)]
        return self._try(job_overrides, composer, here, engine)

    def _try(
        self,
        job_overrides: Sequence[Sequence[str]],
        composer: Composer,
        here: bool,
        engine: OtherLauncher | None,
    ) -> Sequence[JobReturn]:
        """The trials of a search: one that is refused is one failed trial, not its end."""
        jobs: dict[int, Job] = {}
        refused: dict[int, UserError] = {}
        for number, overrides in enumerate(job_overrides):
            try:
                [jobs[number]] = plan_jobs([overrides], composer, here=here)
            except UserError as error:
                refused[number] = error
        self.sweep.refused += refused.values()
        results = dict(zip(jobs, self.sweep.run(list(jobs.values()), engine), strict=True))
        return [
            _job_return(jobs[number], results[number])
            if number in jobs
            else _failed(overrides, str(refused[number]))
            for number, overrides in enumerate(job_overrides)
        ]

    def _engine(self) -> OtherLauncher | None:
        if self.engine is None:
            return None
        return OtherLauncher(self.engine, self.context, self.config, self.sweep.command)


def _job_return(job: Job, result: Result) -> JobReturn:
    """What a sweeper is told of a run: the objective, or an exception."""
    if result.status != "done":
        return _failed(job.overrides, result.reason or result.status)
    answer = JobReturn(overrides=job.overrides)
    answer.status, answer.return_value = JobStatus.COMPLETED, result.objective
    return answer


def _failed(overrides: Sequence[str], reason: str) -> JobReturn:
    answer = JobReturn(overrides=overrides)
    answer.status, answer.return_value = JobStatus.FAILED, RuntimeError(reason)
    return answer
