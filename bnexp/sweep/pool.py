"""The default launcher: worker processes of our own, each of which trains many runs."""

import multiprocessing
import signal
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerContext, SpawnContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import ModuleType

from bnexp.errors import UserError
from bnexp.plan import Plan
from bnexp.sweep.result import Result, killed
from bnexp.sweep.worker import work

GRACE = 10.0  # seconds that workers have for their checkpoints once asked to stop
PAUSE = 1.0  # seconds between two looks at a run that another process trains
TICK = 0.2  # seconds between two looks at whether somebody wants us to stop


@dataclass
class _Worker:
    process: BaseProcess
    pipe: Connection
    gpu: int
    plan: Plan | None = None


class Pool:
    """Trains plans in worker processes; waits for those that another process trains just now.

    `asked` grows from outside: with one entry, running runs are asked to save their state and no
    other is begun; with two, the workers are killed.
    """

    def __init__(self, size: int, gpus: int, command: str, asked: Sequence[object]) -> None:
        self.size, self.gpus, self.command, self.asked = size, gpus, command, asked
        # Workers forked from one clean process share its imports, so torch is read once.
        can_fork = "forkserver" in multiprocessing.get_all_start_methods()
        self.context: ForkServerContext | SpawnContext = (
            multiprocessing.get_context("forkserver")
            if can_fork
            else multiprocessing.get_context("spawn")
        )
        self.context.set_forkserver_preload(["bnexp.training.run"])
        self.workers: list[_Worker] = []
        self.queue: deque[Plan] = deque()
        self.elsewhere: dict[str, float] = {}  # identity -> when to look at that run again

    @property
    def running(self) -> int:
        """How many runs are being trained now."""
        return sum(worker.plan is not None for worker in self.workers)

    def train(self, plans: Sequence[Plan]) -> Iterator[Result | None]:
        """Train every plan, the exclusive ones last and one at a time.

        Yields each result when it is there, and None now and then.
        """
        queue = self.queue = deque(sorted(plans, key=lambda plan: plan.config.exclusive))
        deadline = float("inf")
        try:
            while queue or self.running:
                if self.asked and deadline == float("inf"):
                    deadline = time.monotonic() + GRACE
                    for plan in queue:
                        yield Result(plan.identity, plan.preset, "not started")
                    queue.clear()
                    self._ask_to_stop()
                if len(self.asked) > 1 or time.monotonic() > deadline:
                    for worker in self.workers:
                        worker.process.kill()
                while queue and self._room_for(queue[0]):
                    self._hand_out(queue.popleft())
                yield None
                yield from self._finished()
        finally:
            self._close()

    def _room_for(self, plan: Plan) -> bool:
        if time.monotonic() < self.elsewhere.get(plan.identity, 0.0):
            return False
        alone = plan.config.exclusive or any(
            worker.plan is not None and worker.plan.config.exclusive for worker in self.workers
        )
        return self.running < (1 if alone else self.size)

    def _hand_out(self, plan: Plan) -> None:
        for worker in [worker for worker in self.workers if worker.plan is None]:
            try:
                worker.pipe.send(plan)
            except OSError:  # it died while idle
                self.workers.remove(worker)
            else:
                worker.plan = plan
                return
        worker = self._start()
        worker.plan = plan
        worker.pipe.send(plan)

    def _start(self) -> _Worker:
        ours, theirs = self.context.Pipe()
        taken = {worker.gpu for worker in self.workers}
        gpu = next(n for n in range(self.size) if n not in taken)
        process = self.context.Process(
            target=work, args=(theirs, self.command, gpu % max(self.gpus, 1)), daemon=True
        )
        with _main_left_alone():
            _begin(process)
        theirs.close()
        self.workers.append(_Worker(process, ours, gpu))
        return self.workers[-1]

    def _finished(self) -> Iterator[Result]:
        ready = wait([worker.pipe for worker in self.workers], timeout=TICK)
        for worker in [worker for worker in self.workers if worker.pipe in ready]:
            plan, worker.plan = worker.plan, None
            try:
                result = worker.pipe.recv()
                if plan is not None and result.status == "running elsewhere" and not self.asked:
                    self.elsewhere[plan.identity] = time.monotonic() + PAUSE
                    self.queue.append(plan)  # last: by then the other process may be done with it
                else:
                    yield result
            except (EOFError, OSError):
                self.workers.remove(worker)
                worker.process.join()
                worker.pipe.close()
                if plan is not None:
                    yield killed(plan, _how(worker.process.exitcode))

    def _ask_to_stop(self) -> None:
        for worker in self.workers:
            with suppress(OSError):
                worker.pipe.send(None)

    def _close(self) -> None:
        for worker in self.workers:
            worker.pipe.close()
        for worker in self.workers:
            worker.process.join(GRACE)
            worker.process.kill()


def _begin(process: BaseProcess) -> None:
    """Start a worker; once more if the process that forks them died of it, as without memory.

    Raises UserError where that fails, too.
    """
    try:
        process.start()
    except (EOFError, OSError):
        try:
            process.start()
        except (EOFError, OSError) as error:
            why = " ".join(str(error).split()) or "the process that forks it died"
            raise UserError(
                f"no worker process can be started: {why}; workers=N asks for fewer"
            ) from None


def _how(code: int | None) -> str:
    if code is not None and code < 0:
        return f"its process was killed by {signal.Signals(-code).name}"
    return f"its process ended with exit code {code}"


@contextmanager
def _main_left_alone() -> Iterator[None]:
    """Keep workers from importing a script without a guard, which would start workers in turn.

    One with `if __name__ == "__main__":` is imported as multiprocessing does, since what stands
    before that may have registered norms and nets of the user's.
    """
    main = sys.modules["__main__"]
    path = Path(getattr(main, "__file__", None) or "")
    if not path.is_file() or "__name__" in path.read_text(encoding="utf-8", errors="replace"):
        yield
        return
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
