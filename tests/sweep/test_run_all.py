import json
import subprocess
import sys
from itertools import groupby
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from bnexp.errors import UserError
from bnexp.runs.header import read_header
from bnexp.runs.places import find_run
from bnexp.sweep import Job, Stopped, run_all
from bnexp.sweep.engine import OtherLauncher
from bnexp.sweep.preview import preview
from bnexp.sweep.worker import one_thread
from bnexp.training.run import run
from tests.sweep.conftest import Jobs

FAILURES = {
    "error": ("failed", "RuntimeError: first line"),
    "exit": ("failed", "SystemExit: leaving"),
    "memory": ("failed", "out of memory"),
    "kill": ("killed", "its process was killed by SIGKILL"),
    "quit": ("killed", "its process ended with exit code 3"),
}


def header(job: Job) -> dict[str, object]:
    plan = job.plan
    found = read_header(find_run(plan.runs_dir, plan.identity, plan.preset))
    assert found is not None
    return found


def log(path: Path) -> list[tuple[str, str, float]]:
    """Process, behaviour and time of every training step."""
    rows = (line.split() for line in path.read_text().splitlines())
    return [(process, how, float(time)) for process, how, time in rows]


def test_no_failure_stops_the_others_and_each_tells_its_reason(jobs: Jobs, net: str) -> None:
    planned = jobs(f"{net} +model.kwargs.how={','.join(FAILURES)},nothing seed=0,1")
    results = run_all(planned, "the command", workers=2)
    for job, result in zip(planned, results, strict=True):
        how = job.plan.config.model.kwargs["how"]  # type: ignore[union-attr]
        if how == "nothing":
            assert (result.status, result.reason, result.failed) == ("done", None, False)
            continue
        assert (result.status, result.reason, result.failed) == (*FAILURES[how], True)
        assert result.folder is not None
        assert (result.folder / "error.txt").read_text().strip()
        assert header(job)["status"] == ("failed" if result.status == "failed" else "interrupted")
    assert "second line" in (results[0].folder / "error.txt").read_text()  # type: ignore[operator]


@pytest.mark.parametrize("failing", [1, 2])
def test_a_worker_that_does_not_start_is_tried_once_more(
    failing: int, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process that forks the workers can die of it, as on a machine without memory left."""
    began = ForkServerProcess._Popen
    failures = iter([True] * failing)

    def popen(process: object) -> object:
        if next(failures, False):
            raise EOFError
        return began(process)  # type: ignore[arg-type]

    monkeypatch.setattr(ForkServerProcess, "_Popen", staticmethod(popen))
    planned = jobs("model=mlp seed=0,1")
    if failing == 1:
        assert [result.status for result in run_all(planned, "c", workers=1)] == ["done", "done"]
    else:
        with pytest.raises(UserError, match="no worker process can be started: the process that"):
            run_all(planned, "c", workers=1)


def test_only_what_is_not_done_is_trained_wherever_it_was_done(jobs: Jobs) -> None:
    run_all(jobs("model=mlp seed=0,1"), "first")
    again = jobs("seed=1,2,1 model=mlp,mlp_bn")  # another order, extended, with duplicates
    results = run_all(again, "second")
    assert [result.new for result in results] == [False, True, True, True, False, True]
    provenance = [header(job)["provenance"]["command"] for job in again]  # type: ignore[index]
    assert provenance == ["first", "second", "second", "second", "first", "second"]
    assert len(list(Path("runs").glob("mlp*"))) == 5


def test_retry_and_rerun_do_what_they_say(jobs: Jobs, net: str) -> None:
    line = f"{net} +model.kwargs.how=error,nothing"
    assert [r.new for r in run_all(jobs(line), "")] == [True, True]
    before = run_all(jobs(line), "")
    assert [(r.new, r.status) for r in before] == [(False, "failed"), (False, "done")]
    retried = run_all(jobs(line), "", retry="failed")
    assert [(r.new, r.status) for r in retried] == [(True, "failed"), (False, "done")]
    rerun = run_all(jobs(f"{line} rerun=true"), "")
    assert [(r.new, r.status) for r in rerun] == [(True, "failed"), (True, "done")]


def test_a_killed_run_is_taken_up_again_without_asking(jobs: Jobs, net: str) -> None:
    planned = jobs(f"{net} +model.kwargs.how=kill")
    assert run_all(planned, "")[0].status == "killed"
    assert run_all(planned, "")[0].new


def test_diverging_is_no_failure(jobs: Jobs) -> None:
    (result,) = run_all(jobs("model=mlp optimizer.lr=1e9"), "")
    assert (result.outcome, result.failed) == ("diverged", False)
    assert result.reason is not None
    assert result.reason.startswith("diverged at step")


def test_on_error_stop_begins_no_other_run(jobs: Jobs, net: str) -> None:
    planned = jobs(f"{net} +model.kwargs.how=error,nothing,exit")
    with pytest.raises(Stopped) as caught:
        run_all(planned, "", workers=1, on_error="stop")
    assert not caught.value.by_signal
    assert [r.status for r in caught.value.results] == ["failed", "not started", "not started"]
    assert len(list(Path("runs").glob("[!.]*"))) == 1


def test_each_worker_trains_many_runs_and_they_overlap(jobs: Jobs, net: str) -> None:
    line = f"{net} +model.kwargs.log=log +model.kwargs.how=sleep seed=range(6)"
    run_all(jobs(line), "", workers=2)
    steps = log(Path("log"))
    processes = {process for process, _, _ in steps}
    assert len(processes) == 2
    first, second = ([time for who, _, time in steps if who == process] for process in processes)
    assert max(min(first), min(second)) < min(max(first), max(second))


def test_nothing_runs_beside_an_exclusive_run(jobs: Jobs, net: str) -> None:
    shared = jobs(f"{net} +model.kwargs.log=log +model.kwargs.how=nothing seed=range(4)")
    alone = jobs(f"{net} +model.kwargs.log=log +model.kwargs.how=sleep seed=1,2 exclusive=true")
    run_all([*alone, *shared], "", workers=2)
    behaviours = [how for _, how, _ in log(Path("log"))]
    assert behaviours == sorted(behaviours)  # the exclusive ones, which sleep, come last
    processes = [process for process, how, _ in log(Path("log")) if how == "sleep"]
    assert len(list(groupby(processes))) == len(set(processes))  # one after the other


def test_the_pool_trains_what_a_single_process_trains(jobs: Jobs) -> None:
    here = jobs("model=mlp_bn,cnn_small seed=0,1 runs_dir=here")
    there = jobs("model=mlp_bn,cnn_small seed=0,1 runs_dir=there")
    alone = [run(one_thread(job.plan), "", quiet=True) for job in here]
    together = run_all(there, "", workers=2)
    hashes = [[r.results["weights_sha256"] for r in results] for results in (alone, together)]
    assert hashes[0] == hashes[1]
    assert [r.results["threads"] for r in together] == [1] * 4


def test_a_run_that_another_process_holds_is_waited_for(jobs: Jobs, net: str) -> None:
    first, second = jobs("model=mlp seed=1,2")
    code = "import sys, time; from bnexp.runs.places import run_lock; from pathlib import Path\n"
    code += "lock = run_lock(Path(sys.argv[1]), sys.argv[2]); lock.acquire(); print(flush=True); "
    code += "time.sleep(4)"
    repository = Path(__file__).parents[2]
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(first.plan.runs_dir), first.plan.identity],
        stdout=subprocess.PIPE,
        env={"PYTHONPATH": str(repository)},
    )
    try:
        assert holder.stdout is not None
        holder.stdout.readline()
        assert [r.status for r in run_all([first, second], "")] == ["done", "done"]
    finally:
        holder.kill()
        holder.communicate()


def test_preview_counts_and_estimates(jobs: Jobs) -> None:
    planned = jobs("model=mlp,mlp_bn seed=0,1,1")
    assert "4 runs: 0 done, 4 to train; 2 duplicates run once" in preview(planned, 2, None)
    assert "No estimate" in preview(planned, 2, None)
    done = run_all(jobs("model=mlp seed=0"), "")[0]
    path = Path(done.folder or "", "run.json")
    record = json.loads(path.read_text())
    record["results"]["seconds_total"] = 8 * 100.0  # steps times seconds
    path.write_text(json.dumps(record))
    text = preview(planned, 2, None)
    assert "4 runs: 1 done, 3 to train" in text
    assert "About 400 s" not in text
    assert "About 7 min on 2 workers, without 2 runs of presets never run so far" in text


def test_steps_are_those_that_training_takes(jobs: Jobs) -> None:
    line = "model=mlp seed=0 training.max_steps=null data.batch_size=200 data.drop_last=false,true"
    for job in jobs(f"{line} training.accumulate=2"):
        assert run_all([job], "")[0].results["steps"] == job.plan.steps


def test_jobs_planned_elsewhere_can_be_given_to_another_launcher(jobs: Jobs, net: str) -> None:
    launcher = "hydra._internal.core_plugins.basic_launcher.BasicLauncher"
    engine = OtherLauncher.of(OmegaConf.create({"_target_": launcher}), "the command")
    planned = jobs(f"{net} +model.kwargs.how=error,nothing,exit exclusive=true,false")
    results = run_all(planned, "the command", engine=engine)
    assert [r.status for r in results] == ["failed"] * 2 + ["done"] * 2 + ["failed"] * 2
    assert results[0].reason == "RuntimeError: first line"
