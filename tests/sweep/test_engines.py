"""Launchers and sweepers from elsewhere; each test runs where its package is installed."""

import json
import os
import sys
import traceback
from pathlib import Path

import pytest

from bnexp.sweep.engine import _told
from tests.conftest import REPOSITORY, Cli
from tests.sweep.conftest import NET

SHORT = "device=cpu training.epochs=2 training.max_steps=8 probes=none".split()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("launcher", "package", "hows"),
    [
        ("basic", "hydra", "nothing,error,exit"),  # in this process, so nothing that kills it
        ("joblib", "hydra_plugins.hydra_joblib_launcher", "nothing,error,exit,kill"),
        ("submitit_local", "hydra_plugins.hydra_submitit_launcher", "nothing,error,exit"),
        ("ray", "hydra_plugins.hydra_ray_launcher", "nothing,error,exit,kill"),
    ],
)
def test_each_launcher_resumes_and_tells_of_failures(
    launcher: str, package: str, hows: str, cli: Cli, tmp_path: Path
) -> None:
    pytest.importorskip(package)
    (tmp_path / "mine.py").write_text(NET)
    line = ["train", "-m", f"hydra/launcher={launcher}", *SHORT, "model=module"]
    line += ["model.name=mine.Net", "seed=0,1"]
    cli(*line, "seed=0", "+model.kwargs.how=nothing", PYTHONPATH=path())
    done = cli(*line, f"+model.kwargs.how={hows}", PYTHONPATH=path())
    assert done.returncode == 1, done.stderr
    assert f"{2 * hows.count(',') + 1} runs to train, 1 done before" in done.stdout
    ends = {
        (run["config"]["model"]["kwargs"]["how"], run["config"]["seed"]): run["status"]
        for run in map(json.loads, (f.read_text() for f in tmp_path.glob("runs/*/run.json")))
    }
    expected = {"nothing": "done", "error": "failed", "exit": "failed", "kill": "interrupted"}
    assert ends == {(how, seed): expected[how] for how in hows.split(",") for seed in (0, 1)}
    for file in tmp_path.glob("runs/*/run.json"):
        assert json.loads(file.read_text())["provenance"]["threads"] == 1


@pytest.mark.slow
def test_ray_on_a_cluster_of_two_nodes(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("hydra_plugins.hydra_ray_launcher")
    cluster_utils = pytest.importorskip("ray.cluster_utils")
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    monkeypatch.setenv("PYTHONPATH", path())
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    cluster = cluster_utils.Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    try:
        for _ in range(2):
            cluster.add_node(num_cpus=1)
        address = f"hydra.launcher.ray.init.address={cluster.address}"
        ray = ["hydra/launcher=ray", address, *SHORT]
        done = cli("train", "-m", *ray, "model=mlp", "seed=range(4)", PYTHONPATH=path())
        rest = ["model=mlp,mlp_bn", "optimizer.lr=0.1", "seeds=3", "--format", "json"]
        there = cli("compare", *ray, *rest, PYTHONPATH=path())
    finally:
        cluster.shutdown()
    assert done.returncode == 0, done.stderr
    assert "4 runs:" in done.stdout
    assert there.returncode == 0, there.stderr
    here = cli("compare", *SHORT, *rest, "runs_dir=here", PYTHONPATH=path())
    assert json.loads(there.stdout)["readings"] == json.loads(here.stdout)["readings"]


SBATCH = r"""#!/bin/bash
# Runs a job array here, one task after the other, as Slurm would elsewhere.
script="${@: -1}"; cp "$script" "$FAKE_SLURM/script.sh"
last=$(sed -n 's/^#SBATCH --array=0-\([0-9]*\).*/\1/p' "$script")
(for task in $(seq 0 "$last"); do
  SLURM_JOB_ID=$((77 + task)) SLURM_ARRAY_JOB_ID=77 SLURM_ARRAY_TASK_ID=$task SLURM_NTASKS=1 \
  SLURM_JOB_NUM_NODES=1 SLURM_JOB_NODELIST=here SLURM_NODEID=0 SLURM_PROCID=0 SLURM_LOCALID=0 \
  bash "$script"
  touch "$FAKE_SLURM/ended-$task"
done) > "$FAKE_SLURM/array.log" 2>&1 < /dev/null &
echo "Submitted batch job 77"
"""
SRUN = """#!/bin/bash
while [[ "$1" == --* ]]; do [[ "$1" == --output || "$1" == --error ]] && shift; shift; done
exec "$@"
"""
SACCT = """#!/bin/bash
echo "JobID|State|NodeList"
for task in 0 1 2; do
  [[ -e "$FAKE_SLURM/ended-$task" ]] && state=COMPLETED || state=RUNNING
  echo "77_$task|$state|here"
done
"""


@pytest.mark.slow
def test_slurm_with_commands_that_run_the_job_array_here(cli: Cli, tmp_path: Path) -> None:
    pytest.importorskip("hydra_plugins.hydra_submitit_launcher")
    commands = tmp_path / "bin"
    commands.mkdir()
    for name, text in {"sbatch": SBATCH, "srun": SRUN, "sacct": SACCT}.items():
        (commands / name).write_text(text)
        (commands / name).chmod(0o755)
    line = "train -m hydra/launcher=submitit_slurm hydra.launcher.partition=long threads=2".split()
    environment = {
        "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}",
        "FAKE_SLURM": str(tmp_path),
        "PYTHONPATH": path(),
    }
    done = cli(*line, *SHORT, "model=mlp", "seed=range(3)", **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    script = (tmp_path / "script.sh").read_text().splitlines()
    asked = {line.removeprefix("#SBATCH ") for line in script if line.startswith("#SBATCH")}
    assert {"--array=0-2%3", "--cpus-per-task=2", "--mem=4GB", "--time=240"} <= asked
    assert {"--partition=long", "--nodes=1", "--ntasks-per-node=1"} <= asked
    assert len(list(tmp_path.glob("runs/mlp-*/run.json"))) == 3


def path() -> str:
    return os.pathsep.join([str(REPOSITORY), str(Path.cwd())])


@pytest.mark.slow
def test_optuna_minimises_the_validation_loss(cli: Cli, tmp_path: Path) -> None:
    pytest.importorskip("hydra_plugins.hydra_optuna_sweeper")
    line = ["train", "-m", "hydra/sweeper=optuna", "hydra.sweeper.n_trials=6", *SHORT, "model=mlp"]
    done = cli(*line, "optimizer.lr=tag(log,interval(0.001,1e6))", PYTHONPATH=path())
    assert done.returncode == 0, done.stderr
    runs = [json.loads(file.read_text()) for file in tmp_path.glob("runs/mlp-*/run.json")]
    assert len(runs) == 6
    losses = [run["results"]["val_loss"] for run in runs if run["outcome"] != "diverged"]
    found = (tmp_path / "runs/.sweep/optimization_results.yaml").read_text()
    assert f"best_value: {min(losses)}" in found


@pytest.mark.slow
def test_a_refused_or_failed_trial_is_one_trial(cli: Cli, tmp_path: Path) -> None:
    pytest.importorskip("hydra_plugins.hydra_optuna_sweeper")
    (tmp_path / "mine.py").write_text(NET)
    line = ["train", "-m", "hydra/sweeper=optuna", "hydra.sweeper.n_trials=5", *SHORT]
    line += [
        "model=module",
        "model.name=mine.Net",
        "hydra.sweeper.n_jobs=1",
        "hydra.sweeper.sampler.seed=3",
    ]
    line += ["+model.kwargs.how=choice(nothing,error)", "data.train_size=choice(100,99999)"]
    done = cli(*line, PYTHONPATH=path())
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert done.stderr.count("trial refused: data.train_size=99999") == 1
    assert done.stdout.count("to train") <= 1
    assert (tmp_path / "runs/.sweep/optimization_results.yaml").exists()


def test_the_cause_of_a_launchers_error_is_told() -> None:
    error = ConnectionError("Failed to connect")
    error.__cause__ = PermissionError("wrong token")
    told = "ConnectionError: Failed to connect; because of PermissionError: wrong token"
    assert _told(error) == told


def test_a_traceback_in_an_errors_text_gives_way_to_what_it_led_to() -> None:
    """Ray puts the whole traceback of a refused token into the text of a RuntimeError."""
    try:
        try:
            raise PermissionError("the token is missing\nor incorrect")
        except PermissionError:
            text = f"Failed to connect. Last error: {traceback.format_exc()}"
            raise ConnectionError("Failed to connect") from RuntimeError(text)
    except ConnectionError as error:
        told = _told(error)
    assert told == (
        "ConnectionError: Failed to connect; because of RuntimeError: Failed to connect. "
        "Last error: PermissionError: the token is missing or incorrect"
    )
