"""A sweep from its checked jobs to the results of all of them."""

import signal
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from bnexp.cores import cores
from bnexp.loggers import feed
from bnexp.plan import Plan
from bnexp.runs.places import by_identity, find_run
from bnexp.sweep.jobs import Job
from bnexp.sweep.live import LivePage
from bnexp.sweep.pool import Pool
from bnexp.sweep.progress import Progress
from bnexp.sweep.result import Result, from_record, left_behind

Engine = Callable[[Sequence[Job]], Iterable[Result]]


class Stopped(Exception):
    """The sweep ended early: by a signal, or by a failure with on_error=stop."""

    def __init__(self, results: list[Result], by_signal: bool) -> None:
        super().__init__("interrupted" if by_signal else "stopped at the first failure")
        self.results, self.by_signal = results, by_signal


def run_all(
    jobs: Sequence[Job],
    command: str,
    *,
    workers: int | None = None,
    retry: Literal["failed"] | None = None,
    on_error: Literal["continue", "stop"] = "continue",
    engine: Engine | None = None,
    show: bool | None = None,
    announce: bool = True,
    watch: Callable[[Result], None] | None = None,
    until: float | None = None,
    live: LivePage | None = None,
) -> list[Result]:
    """Train what is not done, in parallel, and return the results of all jobs in their order.

    Jobs with the same identity are one run. `engine` trains somewhere else than in this machine's
    worker processes. `show` says whether there is a progress bar; None: on a terminal.
    `announce` says beforehand how many there are, and now and then how many are done; `watch`
    is told of every run that ends. From `until` on (by time.monotonic) it stops as on a signal.
    `live` is a page to keep up to date.

    Raises Stopped.
    """
    results = {result.identity: result for result in finished_before(jobs, retry)}
    _feed_loggers(jobs, results)
    due = [job for job in unique(jobs) if job.plan.identity not in results]
    plans = [job.plan for job in due]
    asked: list[object] = []
    if live is not None:
        live.expect((job.plan for job in jobs), results)
    progress = Progress(len(due), len(results), show, announce, watch, live)
    pool = Pool(workers or default_workers(plans), gpus(plans), command, asked)
    ends: Iterable[Result | None] = pool.train(plans) if engine is None else engine(due)
    with progress, _signals_in(asked, and_raise=engine is not None):
        if engine is not None:
            progress.follow(plans)
        for result in ends:
            if until is not None and time.monotonic() >= until and not asked:
                asked.append(until)
            if result is None:
                progress.running(pool.running)
                continue
            results[result.identity] = result
            progress.ended(result)
            if result.failed and on_error == "stop" and not asked:
                asked.append(result)
    for plan in plans:
        if plan.identity not in results:  # a signal tore the engine down
            results[plan.identity] = left_behind(plan)
    ordered = [results[job.plan.identity] for job in jobs]
    if asked:
        raise Stopped(ordered, by_signal=any(isinstance(item, int) for item in asked))
    return ordered


def _feed_loggers(jobs: Iterable[Job], results: Mapping[str, Result]) -> None:
    """Send runs that were done before a logger was asked for to it."""
    for plan in (job.plan for job in unique(jobs)):
        before = results.get(plan.identity)
        if plan.config.logger.name != "none" and before is not None and before.status == "done":
            assert before.folder is not None
            feed(plan.config.logger, before.folder, plan.recorded)


def unique(jobs: Iterable[Job]) -> list[Job]:
    """The jobs without repetitions of an identity."""
    return list({job.plan.identity: job for job in jobs}.values())


def finished_before(jobs: Iterable[Job], retry: str | None) -> list[Result]:
    """The results of the jobs that need no training: done, or failed and not to be retried."""
    found = []
    folders: dict[Path, dict[str, list[Path]]] = {}
    for plan in (job.plan for job in unique(jobs)):
        if plan.runs_dir not in folders:
            folders[plan.runs_dir] = by_identity(plan.runs_dir)
        there = folders[plan.runs_dir].get(plan.identity)
        if there is None or plan.config.rerun:
            continue
        folder = find_run(plan.runs_dir, plan.identity, plan.preset, there)
        result = from_record(plan, folder, new=False)
        if result is not None and not (retry == "failed" and result.failed):
            found.append(result)
    return found


def default_workers(plans: Sequence[Plan]) -> int:
    """One per core that we may use; where runs are on an accelerator, one per device."""
    if any(plan.config.device != "cpu" for plan in plans):
        return max(gpus(plans), 1)
    return cores()


def gpus(plans: Sequence[Plan]) -> int:
    """The CUDA devices to share out, if any plan asks for one."""
    if not any(plan.config.device == "cuda" for plan in plans):
        return 0
    import torch

    return torch.cuda.device_count()


@contextmanager
def _signals_in(asked: list[object], and_raise: bool) -> Iterator[None]:
    """Collect SIGINT, SIGTERM and SIGHUP instead of dying of them.

    `and_raise` leaves the block at once, for engines that know no other way.
    """

    def ask(number: int, _frame: object) -> None:
        asked.append(number)
        if and_raise:
            raise KeyboardInterrupt

    numbers = [signal.SIGINT, signal.SIGTERM]
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # nohup
        numbers.append(signal.SIGHUP)
    try:
        before = {number: signal.signal(number, ask) for number in numbers}
    except ValueError:  # not in the main thread: signals are somebody else's business
        yield
        return
    try:
        yield
    except KeyboardInterrupt:  # ours, or that of a job in this process
        asked.append(signal.SIGINT)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
