import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

import bnexp
from bnexp.runs.places import run_lock
from bnexp.runs.record import Record
from bnexp.training.loop import Interrupted, Training
from bnexp.training.progress import Progress
from bnexp.training.run import Busy, default_threads, run
from tests.conftest import REPOSITORY
from tests.training.conftest import Planner

CLOCK = ["seconds", "samples_per_second", "peak_memory", "provenance", "folder"]
RICH = (
    "model=cnn_small", "model.norm=batch", "model.dropout=0.2", "data.flip=true", "data.crop=1",
    "optimizer=adam", "threads=1",
)  # fmt: skip


def tables(runs_dir: Path) -> dict[str, pd.DataFrame]:
    """Every table of the records below a folder, without the columns that a clock wrote."""
    runs = bnexp.load_runs(runs_dir)
    names = ("runs", "steps", "epochs", "gradients", "activations", "histograms", "measures")
    frames = {name: getattr(runs, name) for name in names}
    return {
        name: frame[[c for c in frame if not any(word in c for word in CLOCK) and c != "runs_dir"]]
        for name, frame in frames.items()
    }


def assert_same_records(one: Path, other: Path) -> None:
    ours, theirs = tables(one), tables(other)
    for name in ours:
        assert len(ours[name])
        pd.testing.assert_frame_equal(ours[name], theirs[name], check_exact=True)


def test_the_record_is_whole(planned: Planner) -> None:
    done = run(planned("model=mlp_bn", "training.epochs=3"), "command", quiet=True)
    files = {path.name for path in done.folder.iterdir()}
    assert files == {
        "run.json", "config.yaml", "weights.pt", "steps.csv", "epochs.csv", "gradients.csv",
        "activations.csv", "histograms.csv", "measures.csv",
    }  # fmt: skip
    runs = bnexp.load_runs(done.folder)
    assert list(runs.steps["step"]) == list(range(12))
    assert list(runs.epochs["epoch"]) == [0, 1]
    assert runs.epochs.iloc[-1].notna().all()
    assert set(runs.gradients["step"]) == {0, 1, 10, 12}
    assert list(runs.gradients["layer"].unique()) == ["layers.0", "layers.1", "layers.2", "head"]
    assert set(runs.histograms["step"]) == {0, 12}
    weights = torch.load(done.folder / "weights.pt", weights_only=True)
    assert weights["head.linear.weight"].shape == (10, 64)


def test_seeds_differ_and_the_same_seed_does_not(planned: Planner) -> None:
    hashes = [
        run(planned("model=mlp", f"seed={seed}", runs=folder), "", quiet=True).results[
            "weights_sha256"
        ]
        for seed, folder in ((0, "a"), (0, "b"), (1, "a"))
    ]
    assert hashes[0] == hashes[1] != hashes[2]


def test_an_epoch_evaluated_in_parts_trains_the_same(planned: Planner) -> None:
    rarely, often = (
        run(planned(*RICH, f"training.evaluate_every={every}"), "", quiet=True)
        for every in (1, 0.25)
    )
    assert rarely.results["weights_sha256"] == often.results["weights_sha256"]
    epochs = bnexp.load_runs(often.folder).epochs
    assert list(epochs["epoch"]) == [0, 0.25, 0.5, 1]
    assert list(epochs["step"]) == [0, 5, 10, 12]
    assert epochs["val_accuracy"].notna().all()


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_probes_do_not_change_training(planned: Planner, precision: str) -> None:
    rich = (*RICH, f"precision={precision}")
    often = "{every: 6, at: [], end: true}"
    costly = [f"probes.{name}={often}" for name in ("shift", "smoothness", "companions")]
    off = run(planned(*rich, "probes=none"), "", quiet=True)
    on = run(planned(*rich, "probes=all", *costly), "", quiet=True)
    assert off.results["weights_sha256"] == on.results["weights_sha256"]
    one, other = bnexp.load_runs(off.folder), bnexp.load_runs(on.folder)
    assert list(one.steps["loss"]) == list(other.steps["loss"])
    assert one.gradients.empty
    assert len(other.gradients) == 13 * 5
    steps = other.measures.groupby("name")["step"].unique()
    for name in ("gradient_cosine", "effective_smoothness", "agreement_batch_8"):
        assert list(steps[name]) == [0, 6, 12]


def test_a_stopped_run_goes_on_bit_by_bit(planned: Planner) -> None:
    rich = (*RICH, "training.accumulate=3", "training.checkpoint_seconds=0", "probes=all",
            "training.evaluate_every=0.5")  # fmt: skip
    run(planned(*rich, runs="whole"), "", quiet=True)
    plan = planned(*rich, runs="parts")
    stops = iter([False] * 3 + [True] + [False] * 4 + [True] + [False] * 100)

    def part() -> Any:
        header = {"identity": plan.identity, "preset": plan.preset, "provenance": {}}
        record = Record(plan.runs_dir / f"{plan.preset}-{plan.identity}", header)
        record.start(plan.config.model_dump())
        Training(plan, record, Progress(None, quiet=True), lambda: next(stops)).run()

    for _ in range(2):
        with pytest.raises(Interrupted):
            part()
    run(plan, "", quiet=True)
    assert_same_records(plan.runs_dir.parent / "whole", plan.runs_dir)


def test_accumulation_averages_the_gradients_of_its_batches(planned: Planner) -> None:
    keys = ("model=mlp", "optimizer=sgd", "training.max_steps=3", "probes=none")
    big = run(planned(*keys, "data.batch_size=128"), "", quiet=True)
    small = run(planned(*keys, "data.batch_size=64", "training.accumulate=2"), "", quiet=True)
    one, other = (
        torch.load(done.folder / "weights.pt", weights_only=True) for done in (big, small)
    )
    # The order of samples depends on the batch size only through its cuts, so the sums agree.
    for name in one:
        torch.testing.assert_close(one[name], other[name], rtol=1e-4, atol=1e-6)


def test_divergence_is_an_outcome_and_the_record_ends_there(planned: Planner) -> None:
    plan = planned("model=mlp", "optimizer=sgd", "optimizer.lr=1e8", "training.max_steps=null")
    done = run(plan, "", quiet=True)
    assert done.outcome == "diverged"
    steps = bnexp.load_runs(done.folder).steps
    assert done.reason == f"diverged at step {steps['step'].iloc[-1]}"
    first, last = steps["loss"].iloc[[0, -1]]
    assert not last <= 1000 * first
    assert (steps["loss"].iloc[:-1] <= 1000 * first).all()
    assert done.results["test_accuracy"] is None
    assert bnexp.load_runs(done.folder).runs["outcome"].item() == "diverged"


def test_divergence_by_the_last_update_is_seen_too(planned: Planner) -> None:
    plan = planned("model=mlp", "optimizer=sgd", "optimizer.lr=1e38", "training.max_steps=1")
    done = run(plan, "", quiet=True)
    assert (done.outcome, done.reason) == ("diverged", "diverged at step 1")
    assert done.results["val_loss"] is None
    assert bnexp.load_runs(done.folder).runs["status"].item() == "done"


def test_a_logger_that_does_not_start_fails_the_run(
    planned: Planner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise OSError("no server")

    monkeypatch.setattr("bnexp.loggers.make_logger", broken)
    plan = planned("model=mlp", "logger=tensorboard")
    with pytest.raises(OSError, match="no server"):
        run(plan, "", quiet=True)
    assert bnexp.load_runs(plan.runs_dir).runs["status"].item() == "failed"


def test_a_run_that_stays_at_chance_has_not_trained(planned: Planner) -> None:
    assert run(planned("model=mlp", "optimizer.lr=0"), "", quiet=True).outcome == "not trained"
    trained = run(planned("model=mlp_bn", "training.max_steps=60"), "", quiet=True)
    assert trained.outcome == "trained"


def test_the_sources_fully_connected_net_trains(planned: Planner) -> None:
    keys = ("model=mlp_1000_100_50_2", "data=synthetic", "data.samples=1280", "optimizer=adam")
    done = run(planned(*keys, "training.epochs=5", "training.max_steps=null"), "", quiet=True)
    assert done.outcome == "trained"
    assert done.results["test_accuracy"] > 0.8


def test_a_run_held_by_another_process_is_left_alone(planned: Planner) -> None:
    plan = planned("model=mlp")
    with run_lock(plan.runs_dir, plan.identity), pytest.raises(Busy, match="another process"):
        run(plan, "", quiet=True)
    assert not list(plan.runs_dir.glob("mlp-*"))


def test_the_command_of_the_api(tmp_path: Path) -> None:
    done = bnexp.train("model=mlp", "training.max_steps=2")
    assert done.new
    assert not bnexp.train("model=mlp", "training.max_steps=2").new
    assert done.folder.parent == Path("runs")


@pytest.mark.ci
def test_killed_at_ten_random_moments_it_ends_as_if_never_killed(
    planned: Planner, tmp_path: Path
) -> None:
    keys = [*RICH, "training.epochs=20", "training.max_steps=null", "training.checkpoint_seconds=0"]
    start = time.perf_counter()
    run(planned(*keys, runs="whole"), "", quiet=True)
    took = time.perf_counter() - start
    command = [sys.executable, "-m", "bnexp", "train", "device=cpu", "runs_dir=parts", *keys]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    moments = random.Random(0)
    for _ in range(10):
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(moments.uniform(0, took / 8))
        process.kill()
        process.wait()
        process.stdout.close()
    subprocess.run(command, env=environment, check=True, capture_output=True)
    headers = [json.loads(p.read_text()) for p in tmp_path.glob("*/*/run.json")]
    assert len({header["results"]["weights_sha256"] for header in headers}) == 1
    assert_same_records(tmp_path / "whole", tmp_path / "parts")


def test_without_weights_a_run_leaves_nothing_big(planned: Planner) -> None:
    keys = ("model=mlp_bn", "model.widths=[500]", "training.save_weights=false", "probes=none")
    done = run(planned(*keys, "training.checkpoint_seconds=0"), "", quiet=True)
    assert {path.name for path in done.folder.iterdir()} == {
        "run.json", "config.yaml", "steps.csv", "epochs.csv", "measures.csv",
    }  # fmt: skip
    assert sum(path.stat().st_size for path in done.folder.iterdir()) < 20_000


def test_the_default_threads_leave_cores_to_others(
    planned: Planner, monkeypatch: pytest.MonkeyPatch
) -> None:
    for cores, threads in ((1, 1), (2, 1), (5, 1), (16, 12)):
        monkeypatch.setattr("bnexp.training.run.cores", lambda cores=cores: cores)
        assert default_threads(planned("model=cnn_bn").config) == threads
        assert default_threads(planned("model=mlp").config) == 1


def test_the_notes_of_a_plan_are_said_and_kept(
    planned: Planner, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = planned("model=mlp", "training.lr_warmup_epochs=99", "training.max_steps=2")
    done = run(plan, "")
    assert capsys.readouterr().out.splitlines()[0] == plan.notes[0]
    assert json.loads((done.folder / "run.json").read_text())["notes"] == list(plan.notes)
    assert not bnexp.load_runs(done.folder).runs.empty
