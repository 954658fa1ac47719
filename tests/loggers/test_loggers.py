"""Loggers by what they keep; MLflow and W&B by small stand-ins with their own names."""

import json
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import bnexp
from bnexp import loggers
from bnexp.cli import run
from bnexp.config import Logger
from bnexp.errors import UserError
from bnexp.loggers import RunLog, make_logger
from bnexp.runs.record import BEST, COLUMNS

CONFIG = {"seed": 1, "model": {"norm": "batch", "widths": [8, 4]}}
LOGGED = ("model=mlp", "training.epochs=2", "training.max_steps=6", "probes=none", "device=cpu")


@pytest.fixture(autouse=True)
def modules_are_imported_anew() -> Iterator[None]:
    """A module that was imported over a fake package keeps the fake, and would for other tests."""
    _forget()
    yield
    _forget()


def _forget() -> None:
    for name in ("tensorboard", "mlflow", "wandb", "trackio"):
        sys.modules.pop(f"bnexp.loggers.{name}", None)
        vars(loggers).pop(name, None)


def logger(name: str) -> Logger:
    return Logger.model_validate({"name": name, "uri": None, "project": "bnexp"})


def tables(steps: int) -> dict[str, list[tuple[Any, ...]]]:
    """A record of so many steps and one evaluation, at the end."""
    epoch = dict.fromkeys(COLUMNS["epochs"]) | {"epoch": 1, "step": steps, "val_accuracy": 0.5}
    return {
        "steps": [(step, 1, 2.0 - step / 10, 0.05, 0.001) for step in range(steps)],
        "epochs": [tuple(epoch[name] for name in COLUMNS["epochs"])],
    }


def log(name: str, folder: Path, steps: int, ending: loggers.Ending = "done") -> None:
    started = make_logger(logger(name), folder, CONFIG)
    started.send(tables(steps))
    started.close(ending)


@pytest.mark.parametrize(
    ("name", "package"),
    [
        ("tensorboard", "torch.utils.tensorboard"),
        ("mlflow", "mlflow"),
        ("wandb", "wandb"),
        ("trackio", "trackio"),
    ],
)
def test_a_missing_package_is_named_with_its_extra(
    name: str, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UserError, match=rf"logger={name} needs bnexp\[{name}\]: pip install"):
        make_logger(logger(name), tmp_path, CONFIG)


# ---------------------------------------------------------------------- whatever becomes of them


class Scripted:
    """A logger that does `how` at its first value."""

    def __init__(self, how: str) -> None:
        self.how, self.known, self.kept = how, dict[str, int](), list[Any]()

    def log(self, step: int, scalars: Mapping[str, float]) -> None:
        if self.how == "raise":
            raise ConnectionError("the server has gone")
        if self.how == "hang":
            time.sleep(60)
        self.kept.append((step, dict(scalars)))

    def close(self, ending: loggers.Ending) -> None:
        self.kept.append(ending)


def test_rows_arrive_once_in_the_order_of_steps() -> None:
    kept = Scripted("keep")
    run = RunLog("x", lambda: kept)
    whole = tables(4)
    run.send({"steps": whole["steps"][:2], "epochs": []})
    run.send(whole)
    run.close("interrupted")
    assert [item[0] for item in kept.kept[:-1]] == [0, 1, 2, 3, 4]
    assert kept.kept[0] == (0, {"loss": 2.0, "lr": 0.05})
    assert kept.kept[-2] == (4, {"epoch": 1, "step": 4, "val_accuracy": 0.5})
    assert kept.kept[-1] == "interrupted"


@pytest.mark.parametrize(
    ("how", "said"), [("raise", "the server has gone"), ("hang", "gives no answer")]
)
def test_a_logger_that_fails_or_hangs_is_a_line(
    how: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(loggers, "PATIENCE", 0.3)
    run = RunLog("x", lambda: Scripted(how))
    began = time.monotonic()
    run.send(tables(3))
    run.close("done")
    assert time.monotonic() - began < 5
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(("ending", "kept"), [("done", True), ("interrupted", False)])
def test_a_run_that_is_done_waits_for_a_slow_start(
    ending: loggers.Ending,
    kept: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(loggers, "PATIENCE", 0.2)
    log, ready = Scripted("keep"), threading.Event()

    def start() -> Scripted:
        ready.wait(30 if ending == "interrupted" else 1)
        return log

    run = RunLog("x", start)
    run.send(tables(3))
    run.close(ending)
    assert bool(log.kept) is kept
    assert ("gives no answer" in capsys.readouterr().err) is not kept
    ready.set()


def test_a_logger_that_does_not_start_does_not_hold_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("tensorboard")

    def start(*_: object) -> None:
        raise TimeoutError("no route to the server")

    monkeypatch.setattr("bnexp.loggers.tensorboard.start", start)
    done = bnexp.train(*LOGGED, "logger=tensorboard")
    assert done.results["steps"] == 6
    assert json.loads((done.folder / "run.json").read_text())["status"] == "done"
    assert "no route to the server" in capsys.readouterr().err


# ----------------------------------------------------------------------------------- TensorBoard


def scalars(folder: Path, name: str) -> list[int]:
    return [event.step for event in points(folder, name)]


def points(folder: Path, name: str) -> list[Any]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder / "tensorboard"), size_guidance={"scalars": 0})
    events.Reload()
    return list(events.Scalars(name))


@pytest.mark.parametrize("later", [False, True])
def test_what_is_known_at_the_end_only_is_logged_then(later: bool) -> None:
    """The test split at the best epoch, which is scored once all epochs are over."""
    pytest.importorskip("tensorboard")
    line = (*LOGGED, "training.evaluate=[val]")
    done = bnexp.train(*line) if later else None
    done = bnexp.train(*line, "logger=tensorboard")
    for name in BEST:
        [point] = points(done.folder, name)
        assert (point.step, point.value) == (6, pytest.approx(done.results[name]))


def test_no_folder_and_no_password_is_recorded_or_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tensorboard")
    sent: list[Mapping[str, Any]] = []
    monkeypatch.setattr(
        "bnexp.loggers.tensorboard.start",
        lambda logger, folder, config: sent.append(config) or Scripted("keep"),
    )
    uri = "logger.uri='postgresql://ada:secret@host/home/db'"
    folder = str(Path("of_ada/runs").absolute())
    done = bnexp.train(*LOGGED, "logger=tensorboard", uri, f"runs_dir={folder}")
    told = (done.folder / "config.yaml").read_text() + (done.folder / "run.json").read_text()
    for text in (told, str(sent)):
        assert not any(word in text for word in ("secret", "of_ada"))
        assert "db" in text


def test_tensorboard_goes_on_without_a_step_twice(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    log("tensorboard", tmp_path, 3, "interrupted")
    log("tensorboard", tmp_path, 5)  # resumed: its record holds the first steps too
    assert scalars(tmp_path, "loss") == [0, 1, 2, 3, 4]
    assert scalars(tmp_path, "val_accuracy") == [3, 5]


def test_a_run_that_is_done_feeds_a_logger_once(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    first = bnexp.train(*LOGGED)
    for _ in range(2):
        again = bnexp.train(*LOGGED, "logger=tensorboard")
        assert (again.new, again.folder) == (False, first.folder)
        assert scalars(first.folder, "loss") == list(range(6))


@pytest.mark.parametrize("content", [b"", b"step\nzero\n", bytes(range(256))])
def test_a_damaged_record_is_not_fed_and_stops_nothing(
    content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("tensorboard")
    done = bnexp.train(*LOGGED)
    (done.folder / "steps.csv").write_bytes(content)
    assert run(["train", "-m", *LOGGED, "logger=tensorboard"]) == 0
    assert "logger=tensorboard: is not told of runs/mlp-" in capsys.readouterr().err
    assert not (done.folder / "tensorboard").exists()


# --------------------------------------------------------------------------------- MLflow and W&B


class FakeMlflow:
    """The part of MLflow's client that is used, kept in memory."""

    runs: dict[str, SimpleNamespace]

    def __init__(self, uri: str) -> None:
        pass

    def get_experiment_by_name(self, name: str) -> SimpleNamespace:
        return SimpleNamespace(experiment_id="1")

    def search_runs(self, where: list[str], query: str, max_results: int) -> list[Any]:
        return [run for run in self.runs.values() if query.endswith(f"'{run.identity}'")]

    def create_run(self, where: str, run_name: str, tags: dict[str, str]) -> Any:
        run = SimpleNamespace(info=SimpleNamespace(run_id=run_name, status="RUNNING"))
        run.identity, run.points, run.params = tags["bnexp.identity"], [], {}
        run.data = SimpleNamespace(metrics={})
        return self.runs.setdefault(run_name, run)

    def update_run(self, run: str, status: str) -> None:
        self.runs[run].info.status = status

    def set_terminated(self, run: str, status: str) -> None:
        self.runs[run].info.status = status

    def get_metric_history(self, run: str, name: str) -> list[Any]:
        return [SimpleNamespace(step=s) for key, _, _, s in self.runs[run].points if key == name]

    def log_batch(self, run: str, metrics: Any = (), params: Any = ()) -> None:
        self.runs[run].points += metrics
        self.runs[run].data.metrics |= {key: value for key, value, _, _ in metrics}
        self.runs[run].params |= dict(params)


@pytest.fixture
def mlflow(monkeypatch: pytest.MonkeyPatch) -> type[FakeMlflow]:
    fake, entities = ModuleType("mlflow"), ModuleType("mlflow.entities")
    FakeMlflow.runs = {}
    fake.MlflowClient = FakeMlflow  # type: ignore[attr-defined]
    entities.Metric = lambda *parts: parts  # type: ignore[attr-defined]
    entities.Param = lambda *parts: parts  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "mlflow", fake)
    monkeypatch.setitem(sys.modules, "mlflow.entities", entities)
    return FakeMlflow


def test_mlflow_goes_on_under_the_runs_identity(mlflow: type[FakeMlflow], tmp_path: Path) -> None:
    folder = tmp_path / "mlp-abc"
    log("mlflow", folder, 3, "interrupted")
    [run] = mlflow.runs.values()
    assert run.info.status == "KILLED"
    assert run.params == {"seed": "1", "model.norm": "batch", "model.widths": "[8, 4]"}
    log("mlflow", folder, 5)
    [run] = mlflow.runs.values()
    assert run.info.status == "FINISHED"
    assert [step for name, _, _, step in run.points if name == "loss"] == [0, 1, 2, 3, 4]


def test_wandb_goes_on_under_the_runs_identity_and_names_no_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts: list[SimpleNamespace] = []

    def init(**settings: Any) -> SimpleNamespace:
        part = SimpleNamespace(settings=settings, steps=[], summary={}, code=None)
        part.log = lambda values, step: part.steps.append(step)
        part.finish = lambda exit_code: setattr(part, "code", exit_code)
        parts.append(part)
        return part

    fake = ModuleType("wandb")
    fake.init, fake.Settings = init, SimpleNamespace  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "wandb", fake)
    folder = tmp_path / "mlp-abc"
    folder.mkdir()
    log("wandb", folder, 3, "interrupted")
    log("wandb", folder, 5)
    assert [part.settings["id"] for part in parts] == ["abc", "abc"]
    assert [part.settings["resume"] for part in parts] == ["allow", "allow"]
    assert [part.steps for part in parts] == [[0, 1, 2, 3], [3, 4, 5]]
    assert [(part.summary["status"], part.code) for part in parts] == [
        ("interrupted", 1),
        ("done", 0),
    ]
    assert parts[0].settings["settings"].host == "not recorded"
    assert parts[0].settings["mode"] == "offline"


# ----------------------------------------------------------------------- against the real packages


@pytest.mark.filterwarnings("default")  # its own dependencies warn
def test_mlflow_reads_back_what_was_logged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.setattr(loggers, "PATIENCE", 60)  # it makes a database first
    folder = tmp_path / "mlp-abc"
    folder.mkdir()
    log("mlflow", folder, 2, "interrupted")
    log("mlflow", folder, 3)
    client = mlflow.MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("bnexp")
    (run,) = client.search_runs([experiment.experiment_id])
    assert (run.info.run_name, run.info.status) == ("mlp-abc", "FINISHED")
    assert [m.step for m in client.get_metric_history(run.info.run_id, "loss")] == [0, 1, 2]


def test_wandb_stays_offline(tmp_path: Path) -> None:
    pytest.importorskip("wandb")
    folder = tmp_path / "mlp-abc"
    folder.mkdir()
    log("wandb", folder, 2)
    (run,) = (folder / "wandb").glob("offline-run-*")
    assert list(run.glob("*.wandb"))
    assert not (run / "files" / "wandb-metadata.json").exists()


def test_trackio_goes_on_with_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts: list[SimpleNamespace] = []

    def init(**settings: Any) -> SimpleNamespace:
        part = SimpleNamespace(settings=settings, steps=[])
        part.log = lambda values, step: part.steps.append(step)
        part.finish = lambda: part.steps.append("finished")
        parts.append(part)
        return part

    fake = ModuleType("trackio")
    fake.init = init  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "trackio", fake)
    folder = tmp_path / "mlp-abc"
    folder.mkdir()
    log("trackio", folder, 3, "interrupted")
    log("trackio", folder, 5)
    assert [part.settings["name"] for part in parts] == ["mlp-abc", "mlp-abc"]
    assert {part.settings["resume"] for part in parts} == {"allow"}
    assert [part.steps for part in parts] == [[0, 1, 2, 3, "finished"], [3, 4, 5, "finished"]]


@pytest.mark.filterwarnings("default")  # its own dependencies warn
def test_trackio_keeps_every_step_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "trackio"))
    monkeypatch.delitem(sys.modules, "bnexp.loggers.trackio", raising=False)  # of the stand-in
    pytest.importorskip("trackio")
    from trackio.sqlite_storage import SQLiteStorage

    folder = tmp_path / "mlp-abc"
    folder.mkdir()
    log("trackio", folder, 2, "interrupted")
    log("trackio", folder, 3)
    logged = SQLiteStorage.get_logs("bnexp", "mlp-abc")
    assert [row["step"] for row in logged if "loss" in row] == [0, 1, 2]
