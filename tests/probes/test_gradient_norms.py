import copy
import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from tests.probes.measure import record

Rows = dict[str, tuple[float, float, float]]


def measured(model: nn.Module, x: Tensor, y: Tensor, loss=F.cross_entropy, **options) -> Rows:
    rows = record(model, x, y, loss, gradients=True, **options).rows()["gradients"]
    assert [index for _, index, *_ in rows] == list(range(1, len(rows) + 1))
    return {layer: tuple(norms) for layer, _, *norms in rows}


def batch(*shape: int) -> tuple[Tensor, Tensor]:
    torch.manual_seed(len(shape))
    return torch.randn(shape), torch.randint(3, shape[:1])


@pytest.mark.parametrize("inplace", [False, True])
def test_against_gradients_kept_by_hand(inplace: bool) -> None:
    x, y = batch(16, 5)
    model = nn.Sequential(nn.Linear(5, 7), nn.ReLU(inplace), nn.Linear(7, 3))
    rows = measured(model, x, y)

    w1, b1, w2, b2 = (p.detach().clone().requires_grad_() for p in model.parameters())
    z1 = x @ w1.T + b1
    z2 = z1.clamp(min=0) @ w2.T + b2
    z1.retain_grad()
    z2.retain_grad()
    (torch.logsumexp(z2, 1) - z2[torch.arange(16), y]).mean().backward()
    for name, w, z in (("0", w1, z1), ("2", w2, z2)):
        expected = [float(t.detach().norm()) for t in (w.grad, w, z.grad)]
        assert rows[name] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("activation", [nn.ReLU, nn.SiLU, nn.Hardswish])
def test_in_place_activations_change_nothing(activation: type[nn.Module]) -> None:
    x, y = batch(4, 2, 8, 8)
    nets = []
    for inplace in (False, True):
        torch.manual_seed(0)
        net = nn.Sequential(nn.Conv2d(2, 6, 3), activation(inplace), nn.ConvTranspose2d(6, 3, 3))
        net.extend([activation(inplace), nn.Flatten(2), nn.Linear(64, 1), activation(inplace)])
        nets.append(net.append(nn.Flatten()))
    everything = {"gradients": True, "activations": True, "histograms": True}
    plain, inplace = (record(net, x, y, F.cross_entropy, **everything).rows() for net in nets)
    assert len(plain["gradients"]) == 3
    assert len(plain["activations"]) == 9
    assert all(row[-1] > 0 for row in plain["gradients"])
    assert plain == inplace


def test_every_layer_of_a_chain_of_scalars_has_the_same_product() -> None:
    # W dL/dW is the same for all layers of a bias-free ReLU net, though dL/dz is not
    model = nn.Sequential()
    for scale in (0.5, 2.0, 0.25, 3.0):
        model.append(nn.Linear(1, 1, bias=False)).append(nn.ReLU())
        nn.init.constant_(model[-2].weight, scale)
    x = torch.tensor([[1.0], [2.0], [-3.0]])
    rows = measured(model, x, x, loss=lambda output, _: output.mean())
    # output = 0.75 x for the two positive x, so W dL/dW = 0.75 * (1 + 2) / 3
    assert [dw * w for dw, w, _ in rows.values()] == pytest.approx([0.75] * 4)
    dz = [math.sqrt(2) / 3 * after for after in (1.5, 0.75, 3.0, 1.0)]
    assert [row[2] for row in rows.values()] == pytest.approx(dz)


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.unused = nn.Linear(4, 4)
        self.head = nn.Linear(4, 3)
        self.step = nn.Linear(4, 4)
        self.activation = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(3):
            x = self.activation(self.step(x))
        return self.head(x)


def test_calls_of_one_layer_are_pooled() -> None:
    x, y = batch(8, 4)
    model = Recurrent()
    rows = measured(model, x, y)
    assert list(rows) == ["step", "head"]  # as first executed; never executed: not at all

    h, kept = x, []
    for _ in range(3):
        z = F.linear(h, model.step.weight, model.step.bias)
        z.retain_grad()
        kept.append(z)
        h = z.relu()
    F.cross_entropy(F.linear(h, model.head.weight, model.head.bias), y).backward()
    dz = torch.cat([z.grad for z in kept]).norm()
    expected = [
        float(t.detach()) for t in (model.step.weight.grad.norm(), model.step.weight.norm(), dz)
    ]
    assert rows["step"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("norm", ["weight_norm", "spectral_norm"])
def test_parametrised_weights_count_as_the_layer_used_them(norm: str) -> None:
    x, y = batch(8, 5)
    model = nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 3))
    nn.init.normal_(model[0].weight, std=3)
    getattr(parametrizations, norm)(model[0])
    plain = nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 3))
    plain[0].weight = nn.Parameter(copy.deepcopy(model)[0].weight.detach())
    plain[0].bias = model[0].bias
    plain[2] = model[2]
    assert measured(model, x, y)["0"] == pytest.approx(measured(plain, x, y)["0"], rel=1e-5)


def test_frozen_layers() -> None:
    x, y = batch(8, 5)
    model = nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 4), nn.Linear(4, 3))
    before = measured(model, x, y)
    model[0].requires_grad_(False)
    model[2].requires_grad_(False)
    model[3].requires_grad_(False)
    model[2].weight.requires_grad_(True)
    after = measured(model, x, y)
    assert after["0"] == (None, before["0"][1], None)
    assert after["2"] == before["2"]
    assert after["3"] == (None, *before["3"][1:])
    model.requires_grad_(False)
    assert measured(model, x, y)["2"] == (None, before["2"][1], None)


def test_no_gradient_is_too_small() -> None:
    x, y = batch(16, 5)
    model = nn.Linear(5, 3)
    small = measured(model, x, y, loss=lambda z, y: 1e-30 * F.cross_entropy(z, y))["model"]
    large = measured(model, x, y)["model"]
    assert small[0] == pytest.approx(1e-30 * large[0], rel=1e-5, abs=0)
    assert small[2] == pytest.approx(1e-30 * large[2], rel=1e-5, abs=0)


def test_loss_scale_keeps_half_precision_gradients() -> None:
    x, y = batch(16, 5)
    model = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 3))

    def tiny(z: Tensor, y: Tensor) -> Tensor:
        return 1e-8 * F.cross_entropy(z.float(), y)

    full = measured(model, x, y, tiny)
    half = torch.autocast("cpu", torch.float16)
    lost = measured(model, x, y, tiny, autocast=half)
    kept = measured(model, x, y, tiny, autocast=half, loss_scale=torch.tensor(2.0**24))
    assert kept["0"] == pytest.approx(full["0"], rel=0.01)
    assert lost["0"][2] == 0


def test_not_finite_is_recorded() -> None:
    x, y = batch(8, 5)
    x[0, 0] = math.inf
    rows = measured(nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 3)), x, y)
    assert math.isnan(rows["0"][0])
    assert math.isfinite(rows["0"][1])


def deep(activation: type[nn.Module], init: str, norm: bool) -> nn.Sequential:
    width, model = 1024, nn.Sequential()
    for _ in range(9):
        linear = nn.Linear(width, width)
        if init != "default":
            nn.init.normal_(linear.weight, std=math.sqrt({"xavier": 1, "he": 2}[init] / width))
            nn.init.zeros_(linear.bias)
        model.extend([linear, *([nn.BatchNorm1d(width)] if norm else []), activation()])
    return model.append(nn.Linear(width, 10))


# per layer, towards the input: mean-field theory of infinitely wide nets at initialisation, and
# with batch norm at batch size 128 arXiv:1902.08129, theorem 8, and its extension to any activation
@pytest.mark.parametrize(
    ("activation", "init", "norm", "ratio"),
    [
        (nn.ReLU, "default", False, 0.4082),
        (nn.ReLU, "he", False, 1.0),
        (nn.Tanh, "default", False, 0.577),
        (nn.Sigmoid, "default", False, 0.1414),
        (nn.Sigmoid, "xavier", False, 0.2361),
        (nn.ReLU, "default", True, 1.216),
        (nn.Tanh, "default", True, 1.088),
        (nn.Sigmoid, "he", True, 1.020),
    ],
)
def test_decay_over_the_layers_follows_the_theory(
    activation: type[nn.Module], init: str, norm: bool, ratio: float
) -> None:
    logs = []
    for seed in range(2):
        torch.manual_seed(seed)
        x, y = torch.randn(128, 1024), torch.randint(10, (128,))
        rows = list(measured(deep(activation, init, norm), x, y).values())
        logs.append(math.log(rows[2][2] / rows[7][2]) / 5)  # the first and last layers differ
    assert math.exp(sum(logs) / 2) == pytest.approx(ratio, rel=0.03)
