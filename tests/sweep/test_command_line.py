import os
import subprocess
import sys
from pathlib import Path

import pytest
from hydra.core.config_store import ConfigStore

from bnexp.cli import run
from bnexp.errors import UserError
from bnexp.runs import manifest
from bnexp.sweep import Result, plan_jobs
from bnexp.sweep.plugins import register
from bnexp.sweep.table import show_runs
from tests.conftest import REPOSITORY, Cli

SHORT = ("device=cpu", "training.epochs=2", "training.max_steps=8", "probes=none")


def test_a_sweep_its_table_and_its_second_start(cli: Cli) -> None:
    line = ("train", "-m", *SHORT, "+model=mlp,mlp_bn", "optimizer.lr=0.01,1e9")
    line += ("training.lr_schedule=step",)
    first = cli(*line)
    assert first.returncode == 0, first.stderr
    assert "4 runs to train, 0 done before" in first.stdout
    assert first.stdout.count("lr_step_size") == 1  # a note that concerns all of them
    assert "4 runs: " in first.stdout
    assert "model=mlp optimizer.lr=1000000000.0" in first.stdout
    assert "diverged at step" in first.stdout
    folders = sorted(path.name for path in Path("runs").glob("[!.]*"))
    assert len(folders) == 4
    assert all((Path("runs") / name / "run.json").exists() for name in folders)

    second = cli(*line, "seed=0,1")
    assert second.returncode == 0
    assert "4 runs to train, 4 done before" in second.stdout
    assert "8 runs:" in second.stdout
    assert "(4 of them before)" in second.stdout


def test_a_failure_ends_in_code_1(cli: Cli) -> None:
    Path("mine.py").write_text(
        "from torch import nn, is_grad_enabled\n"
        "class Net(nn.Linear):\n"
        "    step = 0\n"
        "    def __init__(self): super().__init__(64, 10)\n"
        "    def forward(self, x):\n"
        "        self.step += is_grad_enabled()\n"
        "        if self.step == 3: raise RuntimeError('out of luck')  # after its trial\n"
        "        return super().forward(x.flatten(1))\n"
    )
    done = cli("train", "-m", *SHORT, "model=module", "model.name=mine.Net", "seed=0,1")
    assert done.returncode == 1
    assert "2 runs: 2 failed" in done.stdout
    assert done.stdout.count("RuntimeError: out of luck") == 2
    assert "Traceback" not in done.stdout + done.stderr


def test_all_bad_jobs_are_listed_before_any_starts(cli: Cli) -> None:
    done = cli("train", "-m", *SHORT, "model=mlp,mlp_bn", "optimizer.lr=0.1,-1", "seed=0,nine")
    assert done.returncode == 2
    assert [line.partition("=")[0] for line in done.stderr.splitlines()] == [
        "bnexp: seed",
        "bnexp: optimizer.lr",
    ]
    assert "and 1 more jobs" in done.stderr
    assert not Path("runs").exists() or not list(Path("runs").glob("[!.]*"))


def test_grids_need_m(cli: Cli) -> None:
    done = cli("train", *SHORT, "sweep=[{seed: 1}]")
    assert done.returncode == 2
    assert "train -m" in done.stderr


def test_dry_run_of_one_run(cli: Cli) -> None:
    done = cli("train", *SHORT, "model=mlp", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "1 runs: 0 done, 1 to train" in done.stdout
    assert not Path("runs").exists()


def test_an_engine_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ConfigStore, "list", lambda self, path: [])
    with pytest.raises(UserError, match=r"submitit_local.*pip install 'bnexp\[slurm\]'"):
        register(["model=mlp", "hydra/launcher=submitit_local"])


def test_the_same_sweep_twice_at_once_ends_well_twice(tmp_path: Path) -> None:
    line = [sys.executable, "-m", "bnexp", "train", "-m", "model=mlp", "seed=range(4)", *SHORT]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    both = [
        subprocess.Popen(
            [*line, "training.epochs=20", "training.max_steps=200", "workers=2"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(2)
    ]
    said = [process.communicate(timeout=200)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert all("4 runs: 4 " in text for text in said)
    assert len(list(Path("runs").glob("mlp-*/run.json"))) == 4


def test_a_sweep_leaves_a_manifest_and_a_single_run_none(tmp_path: Path) -> None:
    assert run(["train", "-m", "model=mlp", "seed=0,1", *SHORT]) == 0
    first = manifest.last(Path("runs"))
    assert first is not None
    found = {path.name.rpartition("-")[2] for path in Path("runs").glob("mlp-*")}
    assert set(first.identities) == found
    assert first.command.startswith("bnexp train -m model=mlp seed=0,1")
    assert run(["train", "model=mlp", "seed=5", *SHORT]) == 0
    assert manifest.last(Path("runs")) == first
    assert run(["train", "-m", "model=mlp", "seed=0,1,2", *SHORT]) == 0
    assert run(["train", "-m", "model=mlp", "seed=0,1", *SHORT]) == 0  # the same command again
    again = manifest.last(Path("runs"))
    assert again is not None
    assert (again.identities, again.when > first.when) == (first.identities, True)
    assert len(manifest.manifests(Path("runs"))) == 2
    Path("runs/.sweep/other.json").write_text("[]")
    assert manifest.last(Path("runs")) == again


def test_what_a_reason_holds_is_shown_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """Square brackets are no markup of ours."""
    [job] = plan_jobs([["model=mlp", "device=cpu"]])
    bad = Result(job.plan.identity, "mlp", "failed", reason="no [/red] such [bold]thing :smile:")
    show_runs([job], [bad])
    assert "no [/red] such [bold]thing :smile:" in capsys.readouterr().out


def test_a_sweep_that_is_done_is_shown_where_nothing_can_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["train", "-m", "model=mlp", "training.max_steps=2", "probes=none", "device=cpu"]
    assert run([*line, "seed=0,1"]) == 0
    for note in (tmp_path / "runs" / ".sweep").iterdir():
        note.unlink()
    (tmp_path / "runs" / ".sweep").rmdir()
    (tmp_path / "runs" / ".sweep").touch()  # in the way
    capsys.readouterr()
    assert run([*line, "seed=0,1"]) == 0
    assert "(2 of them before)" in capsys.readouterr().out
    assert run([*line, "seed=0,1,2"]) == 2
    assert capsys.readouterr().err == "bnexp: runs_dir=runs: cannot be written: File exists\n"
