"""Training a sweep's runs by any other launcher that Hydra knows: joblib, Ray, submitit, ..."""

import os
import re
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from hydra import version
from hydra._internal.callbacks import Callbacks
from hydra.core.hydra_config import HydraConfig
from hydra.core.plugins import Plugins
from hydra.core.utils import JobStatus
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, RunMode
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from bnexp.compose import as_plain, config_loader
from bnexp.plan import plan
from bnexp.sweep.jobs import Job
from bnexp.sweep.result import Result, killed, left_behind, train_quietly
from bnexp.sweep.run import default_workers
from bnexp.sweep.worker import one_thread

ALL_AT_ONCE = "LocalLauncher"  # submitit's starts every job at the same time


class OtherLauncher:
    """An engine of `run_all`: the launcher of a node `hydra.launcher`."""

    def __init__(
        self, launcher: DictConfig, context: HydraContext, config: DictConfig, command: str
    ) -> None:
        config = config.copy()
        with read_write(config), open_dict(config):
            config.hydra.launcher = launcher
        self.config = config
        folder = Path(config.hydra.sweep.dir)
        folder.mkdir(parents=True, exist_ok=True)
        task = EngineTask(command, folder / f"stop-{os.getpid()}-{time.time_ns()}")
        self.launcher = Plugins.instance().instantiate_launcher(context, task, config)

    @classmethod
    def of(cls, launcher: DictConfig, command: str) -> "OtherLauncher":
        """For jobs that were planned outside of `bnexp train`."""
        version.setbase("1.3")
        loader = config_loader()
        config = loader.load_configuration("train", [], RunMode.RUN, from_shell=False)
        HydraConfig.instance().set_config(config.copy())  # which makes it read-only
        context = HydraContext(loader, Callbacks())
        with read_write(config), open_dict(config):
            config.workers = default_workers([])
        return cls(launcher, context, config, command)

    @property
    def here(self) -> bool:
        """Whether the jobs will run on this machine."""
        launcher = self.config.hydra.launcher
        address = OmegaConf.select(launcher, "ray.init.address")
        return address is None and not launcher._target_.endswith("SlurmLauncher")

    def __call__(self, jobs: Sequence[Job]) -> Iterable[Result]:
        """Train the jobs, exclusive ones last and one at a time."""
        shared = [job for job in jobs if not job.plan.config.exclusive]
        size = len(shared)
        if type(self.launcher).__name__ == ALL_AT_ONCE:
            size = self.config.workers
        batches = [shared[i : i + size] for i in range(0, len(shared), max(size, 1))]
        batches += [[job] for job in jobs if job.plan.config.exclusive]
        for batch in batches:
            yield from _launch(self.launcher, batch)


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
        while (
            result := train_quietly(one_thread(planned), self.command)
        ).status == "running elsewhere":
            time.sleep(1)  # launched twice, see `_launch`: wait for the other one
        if result.failed and planned.config.on_error == "stop":
            self.stop.touch()
        if result.status == "interrupted":
            raise KeyboardInterrupt  # so that launchers that run jobs in a row stop too
        return result


def _launch(launcher: Launcher, jobs: Sequence[Job]) -> Iterable[Result]:
    """The results of one launch, and of further ones if a job's death took others with it.

    A launcher whose process died raises and says nothing of its other jobs; their records do.
    Jobs that had not begun are launched again together, those that had begun one by one, so that
    the culprit is found.
    """
    # The device was chosen here, and the identity with it.
    overrides = [[*job.overrides, f"++device={job.plan.config.device}"] for job in jobs]
    try:
        for job, end in zip(jobs, launcher.launch(overrides, initial_job_idx=0), strict=True):
            completed = end.status == JobStatus.COMPLETED
            yield end.return_value if completed else killed(job.plan, str(end._return_value))
    except Exception as error:
        reason = _told(error)
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


def _told(error: BaseException) -> str:
    """What went wrong, with its cause, which launchers such as Ray often hide."""
    told = [_in_a_line(error)]
    while (cause := error.__cause__ or error.__context__) is not None and len(told) < 3:
        error = cause
        told.append(_in_a_line(error))
    return "; because of ".join(dict.fromkeys(told))


def _in_a_line(error: BaseException) -> str:
    """Without the frames of a traceback in its text: what they led to stands below them."""
    text = re.sub(r"Traceback \(most recent call last\):\n(?:[ \t].*\n)*", "", f"{error}")
    return f"{type(error).__name__}: {' '.join(text.split())}"[:300]
