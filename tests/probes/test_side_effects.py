import copy
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from bnexp.probes import Moment
from bnexp.probes.companions import companions
from bnexp.probes.shift import gradient_shift
from bnexp.probes.smoothness import smoothness
from bnexp.probes.updates import updates
from tests.probes.measure import record

ALL = {"gradients": True, "activations": True, "histograms": True}


def make_model() -> nn.Sequential:
    return nn.Sequential(
        parametrizations.spectral_norm(nn.Conv2d(1, 4, 3)), nn.BatchNorm2d(4),
        nn.ReLU(inplace=True), nn.Dropout(0.3), nn.Flatten(),
        parametrizations.weight_norm(nn.Linear(144, 16)), nn.BatchNorm1d(16, momentum=None),
        nn.RReLU(inplace=True), nn.Dropout(0.3), nn.Linear(16, 3),
    )  # fmt: skip


def everything(model: nn.Module, x: Tensor, y: Tensor) -> None:
    record(model, x, y, F.cross_entropy, **ALL)
    moment = Moment(
        model, x, y, F.cross_entropy, 0.1, batch_size=8, examples=(x, y),
        pool=torch.zeros(99, 1, 8, 8),
    )  # fmt: skip
    for instrument in (gradient_shift, smoothness, companions, updates):
        instrument(moment)


INSTRUMENTS: dict[str, Callable] = {
    "all": everything,
    "activations": lambda *batch: record(*batch, F.cross_entropy, activations=True),
    "gradients": lambda *batch: record(*batch, F.cross_entropy, gradients=True),
}


def trained(instrument: Callable | None) -> dict[str, Tensor]:
    torch.manual_seed(0)
    model = make_model()
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    for _ in range(8):
        x, y = torch.randn(8, 1, 8, 8), torch.randint(3, (8,))
        if instrument:
            instrument(model, x, y)
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
        optimizer.zero_grad()
    return model.state_dict() | {"random": torch.get_rng_state()}


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_training_is_bit_identical_with_probes_at_every_step(name: str) -> None:
    without, with_probes = trained(None), trained(INSTRUMENTS[name])
    assert without.keys() == with_probes.keys()
    for name, value in without.items():
        assert torch.equal(value, with_probes[name]), name


def test_probe_sees_what_the_step_sees() -> None:
    torch.manual_seed(0)
    model, x, y = make_model(), torch.randn(8, 1, 8, 8), torch.randint(3, (8,))
    [*_, head] = record(model, x, y, F.cross_entropy, gradients=True).rows()["gradients"]
    F.cross_entropy(model(x), y).backward()  # the same dropout, statistics and power iteration
    assert head[:3] == ("9", 3, pytest.approx(model[9].weight.grad.norm().item(), rel=1e-6))


class Fails(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        raise RuntimeError("on purpose")


def no_loss(output: Tensor, y: Tensor) -> Tensor:
    raise RuntimeError("on purpose")


@pytest.mark.parametrize(("end", "loss"), [(Fails(), F.cross_entropy), (nn.Identity(), no_loss)])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    "instrument",
    [
        lambda *batch: record(*batch, **ALL),
        lambda *batch: gradient_shift(Moment(*batch, 0.1)),
        lambda *batch: smoothness(Moment(*batch, 0.1)),
        lambda model, x, y, loss: (
            companions(Moment(model, x, y, loss, batch_size=8, examples=(x, y), pool=x))
            and loss(x, y)
        ),
    ],
)
def test_all_is_restored_after_an_error(
    instrument: Callable, end: nn.Module, loss: Callable, training: bool
) -> None:
    model = make_model().append(end).train(training)
    model[3].train()
    buffers = dict(model.named_buffers())
    before = copy.deepcopy(model.state_dict())
    modes = [module.training for module in model.modules()]
    x, y = torch.randn(8, 1, 8, 8), torch.zeros(8).long()
    random = torch.get_rng_state()
    with pytest.raises(RuntimeError, match="on purpose"):
        instrument(model, x, y, loss)
    assert torch.equal(torch.get_rng_state(), random)
    assert [module.training for module in model.modules()] == modes
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(buffer is buffers[name] for name, buffer in model.named_buffers())
    assert_no_hooks(model)


def assert_no_hooks(model: nn.Module) -> None:
    for module in model.modules():
        assert not module._forward_hooks
        assert not module._forward_pre_hooks


def test_random_state_hooks_grads_and_batch_are_left_alone() -> None:
    model = nn.Sequential(nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(64, 3), nn.Dropout(0.5))
    model[2].weight.grad = torch.ones(3, 64)
    x, y = torch.randn(8, 1, 8, 8), torch.randint(3, (8,))
    same, random = x.clone(), torch.get_rng_state()
    everything(model, x, y)
    assert torch.equal(x, same)
    assert torch.equal(torch.get_rng_state(), random)
    assert torch.equal(model[2].weight.grad, torch.ones(3, 64))
    assert model[2].bias.grad is None
    assert_no_hooks(model)


def test_buffers_that_a_layer_replaces_are_restored() -> None:
    class Grows(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("seen", torch.zeros(1), persistent=False)

        def forward(self, x: Tensor) -> Tensor:
            self.seen = torch.cat([self.seen, x.mean()[None]])
            return x

    model = nn.Sequential(Grows(), nn.Linear(4, 3))
    buffer = model[0].seen
    record(model, torch.randn(2, 4), torch.zeros(2).long(), F.cross_entropy, **ALL)
    assert model[0].seen is buffer
    assert torch.equal(buffer, torch.zeros(1))


def test_nothing_waits_for_the_device_before_rows() -> None:
    # a meta tensor has a shape but no values: whatever asks for one raises
    model = make_model().to("meta")
    model[6].momentum = 0.1  # without momentum PyTorch's own layer waits for its count of batches
    x, y = torch.empty(8, 1, 8, 8, device="meta"), torch.empty(8, device="meta").long()
    scale = torch.ones((), device="meta")
    try:
        F.cross_entropy(model(x), y).backward()
    except NotImplementedError as why:
        pytest.skip(f"this PyTorch has no weight norm on meta tensors: {str(why)[:60]}")
    model.zero_grad()
    for recording in (
        record(model, x, y, F.cross_entropy, loss_scale=scale, **ALL),
        gradient_shift(Moment(model, x, y, F.cross_entropy, 0.1, loss_scale=scale)),
        smoothness(Moment(model, x, y, F.cross_entropy, 0.1, loss_scale=scale)),
    ):
        with pytest.raises((RuntimeError, NotImplementedError), match="meta tensor"):
            recording.rows()


def test_no_graph_is_kept() -> None:
    model = make_model()
    recording = record(
        model, torch.randn(8, 1, 8, 8), torch.zeros(8).long(), F.cross_entropy, **ALL
    )
    assert len(recording.parts) == 3
    for part in recording.parts:
        assert part._packed.grad_fn is None
        assert not part._packed.requires_grad


def test_rows_can_be_read_twice_and_nothing_asked_gives_nothing() -> None:
    model, x, y = nn.Linear(4, 3), torch.randn(2, 4), torch.zeros(2).long()
    recording = record(model, x, y, F.cross_entropy, **ALL)
    assert recording.rows() == recording.rows()
    assert record(model, x, y, F.cross_entropy).rows() == {}


@pytest.mark.ci
@pytest.mark.parametrize("pass_compiled", [False, True])
def test_compiled_models(pass_compiled: bool) -> None:
    from torch._dynamo.testing import CompileCounter

    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(inplace=True), nn.Linear(8, 3)
    )
    eager = copy.deepcopy(model)
    backend = CompileCounter()
    compiled = torch.compile(model, backend=backend)
    for _ in range(3):
        x, y = torch.randn(8, 6), torch.randint(3, (8,))
        probed = compiled if pass_compiled else model
        rows = record(probed, x, y, F.cross_entropy, **ALL).rows()
        assert rows == record(eager, x, y, F.cross_entropy, **ALL).rows()
        for net in (compiled, eager):
            net.zero_grad()
            F.cross_entropy(net(x), y).backward()
        with torch.no_grad():
            for p, q in zip(model.parameters(), eager.parameters(), strict=True):
                p -= 0.1 * p.grad
                q -= 0.1 * q.grad
    assert backend.frame_count == 1  # probing never made it compile again
    assert all(torch.equal(p, q) for p, q in zip(model.buffers(), eager.buffers(), strict=True))
