"""Evaluation under the moving average of the weights."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

import bnexp
from bnexp.errors import UserError
from bnexp.models import build_model
from bnexp.norms import RecurrentBatchNorm, make_norm
from bnexp.norms.weights import spectral_norm
from bnexp.runs.record import Record
from bnexp.training.average import Average
from bnexp.training.loop import Interrupted, Training
from bnexp.training.progress import Progress
from bnexp.training.run import run
from tests.training.conftest import Planner

EMA = "training.ema=0.9"


def steps(net: nn.Module, count: int, *shape: int) -> Iterator[int]:
    """Train a net on noise, and give way after every update."""
    torch.manual_seed(0)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for step in range(count):
        net(torch.randn(16, *shape) + step).square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()
        yield step


@pytest.mark.parametrize(
    "model", ["mlp_bn", "cnn_bn", "resnet", "transformer", "mlp_bn model.norm=batch_renorm"]
)
def test_weights_and_running_statistics_are_those_of_pytorch(planned: Planner, model: str) -> None:
    net = build_model(planned(*f"model={model}".split()).config.model, (1, 8, 8), 10)
    average = Average(net, 0.9)
    theirs = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(0.9), use_buffers=True)
    for step in steps(net.train(), 5, 1, 8, 8):
        average.update(step)
        theirs.update_parameters(net)
    expected = theirs.module.state_dict()
    for name, value in average.model.state_dict().items():
        if value.is_floating_point():
            torch.testing.assert_close(value, expected[name], rtol=1e-6, atol=1e-7)
        else:
            assert torch.equal(value, net.state_dict()[name])  # 5 batches, not 0.9 * 1 + 0.1 * 2
    moved = [not torch.equal(value, net.state_dict()[n]) for n, value in expected.items()]
    assert any(moved)


def test_by_hand() -> None:
    net = make_norm("batch", 1)
    average = Average(net, 0.75)
    for step, mean in enumerate((4.0, 8.0, 0.0)):
        net.get_buffer("running_mean").fill_(mean)
        net.get_parameter("weight").data.fill_(2 * mean)
        average.update(step)
    assert average.model.get_buffer("running_mean").item() == (4 * 0.75 + 8 * 0.25) * 0.75
    assert average.model.get_parameter("weight").item() == 7.5


def test_spectral_norms_vectors_keep_their_length() -> None:
    net = spectral_norm(nn.Linear(6, 5))
    average = Average(net, 0.9)
    for step in steps(net, 20, 6):
        average.update(step)
    buffers = dict(average.model.named_buffers())
    assert len(buffers) == 2
    for vector in buffers.values():
        torch.testing.assert_close(vector.norm(), torch.tensor(1.0))


def test_statistics_of_steps_that_come_later_are_taken_over() -> None:
    net = RecurrentBatchNorm(3)
    average = Average(net, 0.9)
    for step, length in enumerate((2, 2, 4)):
        for t in range(length):
            net(torch.randn(8, 3) + t, step=t)
        average.update(step)
    assert torch.equal(average.model.get_buffer("running_mean"), net.running_mean)
    assert len(net.running_mean) == 4


def test_a_net_that_cannot_be_copied_is_said() -> None:
    class Net(nn.Linear):
        def __deepcopy__(self, _: Any) -> None:
            raise RuntimeError("holds a file")

    with pytest.raises(UserError, match=r"training\.ema: the net cannot be copied: holds a file"):
        Average(Net(2, 2), 0.9)
    assert isinstance(Average(Net(2, 2), None).model, Net)


def test_a_run_trains_as_without_and_evaluates_and_keeps_the_average(planned: Planner) -> None:
    keys = ("model=cnn_bn", "probes=none", "training.epochs=1", "threads=1", "data.train_size=400",
            "training.max_steps=null", "optimizer.lr=0.3")  # fmt: skip
    plain = run(planned(*keys, runs="plain"), "", quiet=True)
    plan = planned(*keys, EMA, runs="ema")
    averaged = run(plan, "", quiet=True)
    one, other = bnexp.load_runs(plain.folder), bnexp.load_runs(averaged.folder)
    assert list(one.steps["loss"]) == list(other.steps["loss"])
    start, end = other.epochs["val_loss"].iloc[[0, -1]]
    assert start == one.epochs["val_loss"].iloc[0]
    assert end != one.epochs["val_loss"].iloc[-1]

    header = {"identity": "x", "preset": "x", "provenance": {}}
    record = Record(plan.runs_dir / "again", header)
    training = Training(plan, record, Progress(None, quiet=True), lambda: False)
    theirs = AveragedModel(training.model, multi_avg_fn=get_ema_multi_avg_fn(0.9), use_buffers=True)
    training.optimizer.register_step_post_hook(lambda *_: theirs.update_parameters(training.model))
    record.start(plan.recorded)
    training.run()
    kept = torch.load(averaged.folder / "weights.pt", weights_only=True)
    for name, value in theirs.module.state_dict().items():
        if value.is_floating_point():
            torch.testing.assert_close(kept[name], value, rtol=1e-5, atol=1e-6)
    x, y = training.splits["val"]
    with torch.no_grad():
        loss = nn.functional.cross_entropy(deepcopy(theirs.module).eval()(x), y).item()
    assert end == pytest.approx(loss, rel=1e-4)


@pytest.mark.parametrize("norm", ["batch", "precise", "spectral"])
def test_an_interrupted_run_goes_on_bit_by_bit(planned: Planner, norm: str) -> None:
    keys = ("model=mlp_bn", f"model.norm={norm}", "probes=none", "threads=1", EMA)
    whole = run(planned(*keys, runs="whole"), "", quiet=True)
    plan = planned(*keys, runs="parts")
    asked = iter([False] * 7 + [True])
    with pytest.raises(Interrupted):
        run(plan, "", quiet=True, stop=lambda: next(asked))
    parts = run(plan, "", quiet=True)
    assert parts.results["weights_sha256"] == whole.results["weights_sha256"]
    assert parts.results["val_loss"] == whole.results["val_loss"]


def test_it_is_another_run_and_without_it_the_same(planned: Planner) -> None:
    assert planned("training.ema=null").identity == planned().identity != planned(EMA).identity


@pytest.mark.parametrize("value", ["0", "1", "1.5", "true", "high"])
def test_a_decay_is_between_zero_and_one(planned: Planner, value: str) -> None:
    with pytest.raises(UserError, match=r"training\.ema"):
        planned(f"training.ema={value}")
