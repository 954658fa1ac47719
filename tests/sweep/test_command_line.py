from pathlib import Path

import pytest
from hydra.core.config_store import ConfigStore

from bnexp.errors import UserError
from bnexp.sweep.plugins import register
from tests.conftest import Cli

SHORT = ("device=cpu", "training.epochs=2", "training.max_steps=8", "probes=none")


def test_a_sweep_its_table_and_its_second_start(cli: Cli) -> None:
    line = ("train", "-m", *SHORT, "+model=mlp,mlp_bn", "optimizer.lr=0.01,1e9")
    first = cli(*line)
    assert first.returncode == 0, first.stderr
    assert "4 runs to train, 0 done before" in first.stdout
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
        "    def __init__(self): super().__init__(64, 10)\n"
        "    def forward(self, x):\n"
        "        if is_grad_enabled(): raise RuntimeError('out of luck')\n"
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
