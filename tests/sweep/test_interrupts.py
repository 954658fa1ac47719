"""Real signals: to the parent, to workers, at random moments."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from bnexp.runs.header import read_header
from bnexp.runs.tables import load_runs
from tests.conftest import REPOSITORY

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds processes through /proc")
GRACE = 10.0  # seconds after which nothing of a sweep may be alive


class Sweep:
    """A sweep in a process of its own, marked so that all its processes can be found."""

    def __init__(self, folder: Path, seeds: int, epochs: int) -> None:
        self.mark = f"BNEXP_TEST_MARK={random.random()}"
        name, _, value = self.mark.partition("=")
        line = (
            f"train -m model=mlp_bn seed=range({seeds}) training.epochs={epochs} device=cpu "
            "probes=none training.checkpoint_seconds=0.2 workers=2 "
            f"runs_dir={folder}"
        )
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bnexp", *line.split()],
            env=os.environ | {"PYTHONPATH": str(REPOSITORY), name: value},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def alive(self) -> dict[int, bool]:
        """Every process of this sweep, and whether it is a worker in a session of its own."""
        found = {}
        for path in Path("/proc").glob("[0-9]*"):
            try:
                if self.mark.encode() in (path / "environ").read_bytes().split(b"\0"):
                    session = int((path / "stat").read_text().rpartition(")")[2].split()[3])
                    found[int(path.name)] = session == int(path.name)
            except (OSError, ProcessLookupError):
                continue
        return found

    def wait_for_workers(self) -> None:
        while self.process.poll() is None and not any(self.alive().values()):
            time.sleep(0.05)

    def finish(self) -> tuple[int, str]:
        output, _ = self.process.communicate(timeout=120)
        return self.process.returncode, output

    def all_gone(self) -> bool:
        end = time.monotonic() + GRACE
        while self.alive() and time.monotonic() < end:
            time.sleep(0.1)
        return not self.alive()


@pytest.fixture
def sweeps() -> Iterator[list[Sweep]]:
    """The sweeps of a test; nothing of them survives it."""
    started: list[Sweep] = []
    yield started
    for sweep in started:
        for process in sweep.alive():
            os.kill(process, signal.SIGKILL)
        sweep.process.communicate()


def wait_for_a_checkpoint(folder: Path) -> None:
    end = time.monotonic() + 300  # of a machine with better things to do
    while not list(folder.glob("*/checkpoint.pt")) and time.monotonic() < end:
        time.sleep(0.01)


def weights(folder: Path) -> dict[str, str]:
    runs = load_runs(folder).runs
    assert set(runs["status"]) == {"done"}
    return dict(zip(runs["run"], runs["weights_sha256"], strict=True))


def test_an_interrupted_and_then_killed_sweep_goes_on_where_it_was(
    sweeps: list[Sweep], tmp_path: Path
) -> None:
    folder = tmp_path / "runs"
    for number in (signal.SIGINT, signal.SIGKILL):
        sweeps.append(Sweep(folder, seeds=3, epochs=40))
        wait_for_a_checkpoint(folder)
        sweeps[-1].process.send_signal(number)
        code, output = sweeps[-1].finish()
        assert sweeps[-1].all_gone()
        assert list(folder.glob("*/checkpoint.pt"))
        if number == signal.SIGINT:
            assert code == 130, output
            assert "interrupted; the same command goes on from there" in output
    sweeps.append(Sweep(folder, seeds=3, epochs=40))
    code, output = sweeps[-1].finish()
    assert (code, "3 runs: 3 trained" in output) == (0, True), output
    assert not list(folder.glob("*/checkpoint.pt"))
    assert set(weights(folder)) == {path.name.rpartition("-")[2] for path in folder.glob("[!.]*")}


@pytest.mark.slow
def test_fifty_signals_lose_nothing(sweeps: list[Sweep], tmp_path: Path) -> None:
    """Signals at random moments to random processes, until 50 have hit a running sweep."""
    rng = random.Random(0)
    seeds, epochs, rounds = 8, 60, 0
    sweeps.append(Sweep(tmp_path / "whole", seeds, epochs))
    assert sweeps[0].finish()[0] == 0
    expected = weights(tmp_path / "whole")
    told = {"parent": 0, "worker": 0}
    while sum(told.values()) < 50:
        rounds += 1
        folder = tmp_path / f"cut-{rounds}"
        done: dict[str, str] = {}
        for _ in range(200):
            sweep = Sweep(folder, seeds, epochs)
            sweeps.append(sweep)
            whom = rng.choice(list(told))
            if whom == "worker" or rng.random() < 0.7:
                sweep.wait_for_workers()
            time.sleep(rng.uniform(0, 2))
            workers = [process for process, is_worker in sweep.alive().items() if is_worker]
            number = rng.choice([signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
            if sweep.process.poll() is None and (workers or whom == "parent"):
                with suppress(ProcessLookupError):
                    os.kill(sweep.process.pid if whom == "parent" else rng.choice(workers), number)
                    told[whom] += 1
            code, output = sweep.finish()
            assert sweep.all_gone(), (whom, number, sweep.alive())
            assert "Traceback" not in output, output
            assert code in (0, 1, 130, -signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT), output
            loaded = load_runs(folder)
            assert set(loaded.skipped["reason"]) <= {"no run.json"}  # never one half written
            for name, text in done.items():
                assert (folder / name / "run.json").read_text() == text  # finished stays finished
            done = {
                path.parent.name: path.read_text()
                for path in folder.glob("*/run.json")
                if (header := read_header(path.parent)) and header["status"] == "done"
            }
            if code == 0:
                break
        assert weights(folder) == expected
    assert min(told.values()) >= 10, told
