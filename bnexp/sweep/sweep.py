"""One `train -m`: the jobs and results of all its batches, and what is said at the end."""

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from bnexp.errors import UserError
from bnexp.runs import manifest
from bnexp.showing import harmless
from bnexp.sweep.jobs import Job, notes
from bnexp.sweep.live import LivePage, live_page
from bnexp.sweep.result import Result
from bnexp.sweep.run import Engine, Stopped, finished_before, run_all, unique


class Sweep:
    """The task that Hydra is given; `CheckedLauncher`, which takes the jobs, fills it."""

    def __init__(self, command: str) -> None:
        self.command = command
        self.jobs: list[Job] = []
        self.results: list[Result] = []
        self.said: list[str] = []  # notes
        self.refused: list[UserError] = []  # trials of a search that could not be planned
        self.open = ExitStack()  # what is to be closed after the last batch
        self.live: LivePage | None = None

    def __call__(self, config: Any) -> None:
        """Hydra wants a task that can be called; every job of ours goes through `run`."""
        raise AssertionError("a sweep's jobs are launched by CheckedLauncher")

    def run(self, jobs: Sequence[Job], engine: Engine | None) -> list[Result]:
        """Train a batch of jobs, or with `dry_run` only say what would be done."""
        if not jobs:
            return []
        config = jobs[0].plan.config
        if config.dry_run:
            from bnexp.sweep.preview import preview

            print(preview(jobs, config.workers, config.retry))
            raise Stopped([], by_signal=False)
        first = not self.jobs
        for note in notes(unique(jobs)):
            if note not in self.said:
                harmless(print)(note, flush=True)
        self.said += notes(unique(jobs))
        self.jobs += jobs
        for runs_dir in {job.plan.runs_dir for job in jobs}:
            plans = [job.plan for job in self.jobs if job.plan.runs_dir == runs_dir]
            try:
                manifest.write(runs_dir, self.command, (plan.identity for plan in plans))
            except OSError as error:  # which matters only where something is to be trained
                if len(finished_before(jobs, config.retry)) < len(unique(jobs)):
                    why = error.strerror or error
                    raise UserError(f"runs_dir={runs_dir}: cannot be written: {why}") from None
        if first:
            self.live = self.open.enter_context(live_page(config.live, self.command))
        try:
            results = run_all(
                jobs,
                self.command,
                workers=config.workers,
                retry=config.retry,
                on_error=config.on_error,
                engine=engine,
                show=config.progress,
                announce=first,
                live=self.live,
            )
        except Stopped as stop:
            self.results += stop.results
            raise
        self.results += results
        return results

    def finish(self, stopped: Stopped | None) -> int:
        """Print the table; exit code 130 after a signal, 1 if any run failed, else 0."""
        from bnexp.sweep.table import show_runs

        if self.results:
            harmless(show_runs)(self.jobs, self.results)
        if stopped is not None and stopped.by_signal:
            print("bnexp: interrupted; the same command goes on from there", file=sys.stderr)
            return 130
        lines = dict.fromkeys(line for error in self.refused for line in error.lines)
        if lines and not self.results:
            raise UserError(*lines)
        for line in lines:
            print(f"bnexp: trial refused: {line}", file=sys.stderr)
        return int(any(result.failed for result in self.results) or bool(lines))
