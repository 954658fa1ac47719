import sys
from pathlib import Path

import pytest

from bnexp.config import Logger
from bnexp.errors import UserError
from bnexp.loggers import make_logger

CONFIG = {"seed": 1, "model": {"norm": "batch", "widths": [8, 4]}}


def logger(name: str) -> Logger:
    return Logger.model_validate({"name": name, "uri": None, "project": "bnexp"})


def log_two_steps(name: str, folder: Path) -> None:
    log = make_logger(logger(name), folder, CONFIG)
    assert log is not None
    log.log(0, {"train_loss": 2.5, "val_accuracy": 0.1})
    log.log(10, {"train_loss": 0.5})
    log.close()


def test_none_is_no_logger(tmp_path: Path) -> None:
    assert make_logger(logger("none"), tmp_path, CONFIG) is None
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "package"),
    [("tensorboard", "torch.utils.tensorboard"), ("mlflow", "mlflow"), ("wandb", "wandb")],
)
def test_a_missing_package_is_named_with_its_extra(
    name: str, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, f"bnexp.loggers.{name}", raising=False)
    with pytest.raises(UserError, match=rf"logger={name} needs bnexp\[{name}\]: pip install"):
        make_logger(logger(name), tmp_path, CONFIG)


def test_tensorboard_reads_back_what_was_logged(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    log_two_steps("tensorboard", tmp_path)
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert [(e.step, e.value) for e in events.Scalars("train_loss")] == [(0, 2.5), (10, 0.5)]
    assert [(e.step, e.value) for e in events.Scalars("val_accuracy")] == [(0, pytest.approx(0.1))]


@pytest.mark.filterwarnings("default")  # its own dependencies warn
def test_mlflow_reads_back_what_was_logged(tmp_path: Path) -> None:
    mlflow = pytest.importorskip("mlflow")
    folder = tmp_path / "mlp-abc"
    folder.mkdir()
    log_two_steps("mlflow", folder)
    client = mlflow.MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("bnexp")
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.run_name == "mlp-abc"
    assert run.info.status == "FINISHED"
    assert run.data.params == {"seed": "1", "model.norm": "batch", "model.widths": "[8, 4]"}
    history = client.get_metric_history(run.info.run_id, "train_loss")
    assert sorted((m.step, m.value) for m in history) == [(0, 2.5), (10, 0.5)]


def test_wandb_stays_offline_and_names_no_host(tmp_path: Path) -> None:
    pytest.importorskip("wandb")
    log_two_steps("wandb", tmp_path)
    (run,) = (tmp_path / "wandb").glob("offline-run-*")
    assert list(run.glob("*.wandb"))
    assert not (run / "files" / "wandb-metadata.json").exists()
