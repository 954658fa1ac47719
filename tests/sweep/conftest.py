from collections.abc import Callable
from pathlib import Path

import pytest

from bnexp.sweep import Job, expand, plan_jobs
from tests.conftest import REPOSITORY

Jobs = Callable[..., list[Job]]

NET = '''
import os, signal, sys, time
from torch import is_grad_enabled, nn

class Net(nn.Module):
    """Softmax regression that does `how` at training step `at`, and logs where it was trained.

    Not of its first step, which may be the trial of the net before training.
    """

    def __init__(self, how="nothing", at=3, log=None):
        super().__init__()
        self.linear = nn.Linear(64, 10)
        self.how, self.at, self.log, self.step = how, at, log, 0

    def forward(self, x):
        if self.training and is_grad_enabled():
            self.step += 1
            if self.log and self.step > 1:
                with open(self.log, "a") as file:
                    file.write(f"{os.getpid()} {self.how} {time.monotonic()}\\n")
            if self.step == self.at:
                getattr(self, self.how)()
        return self.linear(x.flatten(1))

    def nothing(self): pass
    def sleep(self): time.sleep(0.2)
    def error(self): raise RuntimeError("first line\\nsecond line")
    def exit(self): sys.exit("leaving")
    def memory(self): raise MemoryError
    def kill(self): os.kill(os.getpid(), signal.SIGKILL)
    def quit(self): os._exit(3)
'''


@pytest.fixture(autouse=True)
def _workers_find_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the process from which all workers are forked can import it, once for all tests."""
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))


@pytest.fixture
def net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The overrides that train a model which misbehaves as `model.kwargs.how` says."""
    name = f"net_{abs(hash(tmp_path))}"
    (tmp_path / f"{name}.py").write_text(NET)
    monkeypatch.syspath_prepend(str(tmp_path))
    return f"model=module model.name={name}.Net"


@pytest.fixture
def jobs() -> Jobs:
    """The jobs of a sweep of short runs on the CPU."""

    def make(line: str, *grids: dict[str, object]) -> list[Job]:
        short = "device=cpu training.epochs=2 training.max_steps=8 probes=none"
        return plan_jobs(expand([*short.split(), *line.split()], grids))

    return make
