"""Where sweeps meet Hydra: a sweeper that knows unions, and checks around every launcher.

Whichever launcher a command line selects, and whichever sweeper asks it, the jobs go through
`CheckedLauncher` first, which plans them all, drops what is done, and hands over the rest.
"""

import os
import time
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn, JobStatus
from hydra.experimental.callback import Callback
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from bnexp.compose import CONF, Composer, as_plain
from bnexp.plan import plan
from bnexp.sweep.grids import expand
from bnexp.sweep.jobs import Job, plan_jobs
from bnexp.sweep.result import Result, killed, left_behind, train
from bnexp.sweep.run import default_workers
from bnexp.sweep.sweep import Sweep
from bnexp.sweep.worker import one_thread

OURS = "hydra_plugins.bnexp"
ALL_AT_ONCE = "LocalLauncher"  # submitit's starts every job at the same time


def register() -> None:
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
            if f"{name}.yaml" in store.list(group):  # it is installed
                node = OmegaConf.merge(store.load(f"{group}/{name}.yaml").node, settings)
                store.store(name=name, group=group, node=node, provider="bnexp")


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
            Path(config.hydra.sweep.dir).mkdir(parents=True, exist_ok=True)
            if config.hydra.launcher._target_ != f"{OURS}.CheckedLauncher":
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
        jobs = plan_jobs(job_overrides, Composer(load), here=not self._elsewhere())
        results = self.sweep.run(jobs, None if self.engine is None else self._on_engine)
        return [_job_return(job, result) for job, result in zip(jobs, results, strict=True)]

    def _on_engine(self, jobs: Sequence[Job]) -> Iterable[Result]:
        """Train on the engine; exclusive runs last, one launch each."""
        launcher = self._engine()
        shared = [job for job in jobs if not job.plan.config.exclusive]
        size = len(shared)
        if type(launcher).__name__ == ALL_AT_ONCE:
            size = self.config.workers
        batches = [shared[i : i + size] for i in range(0, len(shared), max(size, 1))]
        batches += [[job] for job in jobs if job.plan.config.exclusive]
        for batch in batches:
            yield from _launch(launcher, batch)

    def _engine(self) -> Launcher:
        """The launcher that was selected, with a task of ours that never raises."""
        config = self.config.copy()
        with read_write(config), open_dict(config):
            config.hydra.launcher = self.engine
        folder = Path(self.config.hydra.sweep.dir)
        task = EngineTask(self.sweep.command, folder / f"stop-{os.getpid()}-{time.time_ns()}")
        return Plugins.instance().instantiate_launcher(self.context, task, config)

    def _elsewhere(self) -> bool:
        """Whether the jobs will run on other machines than this."""
        if self.engine is None:
            return False
        address = OmegaConf.select(self.engine, "ray.init.address")
        return self.engine._target_.endswith("SlurmLauncher") or address is not None


class EngineTask:
    """What another launcher calls for each job, wherever it runs it; returns a Result.

    With on_error=stop, a failure makes the file `stop`, and no later job begins.
    """

    def __init__(self, command: str, stop: Path) -> None:
        self.command, self.stop, self.folder = command, stop.absolute(), Path.cwd()

    def __call__(self, config: DictConfig) -> Result:
        """Called by the launcher's worker."""
        os.chdir(self.folder)  # relative paths are those of the command line
        preset = str(HydraConfig.get().runtime.choices.get("model"))
        planned = plan(as_plain(config), preset)
        if self.stop.exists():
            return Result(planned.identity, preset, "not started")
        while (result := train(one_thread(planned), self.command)).status == "running elsewhere":
            time.sleep(1)  # launched twice, see `_launch`: wait for the other one
        if result.failed and planned.config.on_error == "stop":
            self.stop.touch()
        if result.status == "interrupted":
            raise KeyboardInterrupt  # so that launchers that run jobs in a row stop too
        return result


def _launch(launcher: Launcher, jobs: Sequence[Job]) -> Iterable[Result]:
    """The results of one launch, and of more where a death in one job took others with it.

    A launcher whose process died raises, and says nothing of the other jobs; the records do. What
    had not begun is launched again, and what had begun alone, so that the culprit is found.
    """
    # The device was chosen here, and the identity with it.
    overrides = [[*job.overrides, f"++device={job.plan.config.device}"] for job in jobs]
    try:
        for job, end in zip(jobs, launcher.launch(overrides, initial_job_idx=0), strict=True):
            completed = end.status == JobStatus.COMPLETED
            yield end.return_value if completed else killed(job.plan, str(end._return_value))
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        left = {job: left_behind(job.plan) for job in jobs}
        yield from (result for result in left.values() if result.status in ("done", "failed"))
        fresh = [job for job, result in left.items() if result.status == "not started"]
        begun = [job for job, result in left.items() if result.status == "interrupted"]
        if len(fresh) == len(jobs) or len(begun) == len(jobs) == 1:
            yield from (killed(job.plan, reason) for job in jobs)
            return
        if fresh:
            yield from _launch(launcher, fresh)
        for job in begun:
            yield from _launch(launcher, [job])


def _job_return(job: Job, result: Result) -> JobReturn:
    """What sweepers look at: the objective, or an exception."""
    answer = JobReturn(overrides=job.overrides)
    if result.status == "done":
        answer.status, answer.return_value = JobStatus.COMPLETED, result.objective
    else:
        answer.status = JobStatus.FAILED
        answer.return_value = RuntimeError(result.reason or result.status)
    return answer
