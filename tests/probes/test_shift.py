import copy

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from bnexp.probes import Moment
from bnexp.probes.shift import gradient_shift


def rows(*arguments: object) -> dict[tuple[str, str], float]:
    found = gradient_shift(Moment(*arguments)).rows()["measures"]  # type: ignore[arg-type]
    return {(layer, name): value for layer, name, value in found}


def product(w1: float, w2: float) -> nn.Sequential:
    model = nn.Sequential(nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False))
    with torch.no_grad():
        model[0].weight.fill_(w1)
        model[1].weight.fill_(w2)
    return model


@pytest.mark.parametrize(("lr", "cosine"), [(0.1, 1), (1, -1)])
def test_two_scalar_layers_by_hand(lr: float, cosine: float) -> None:
    # loss w1 w2 x: G2 = w1 x, and after the step of w1 by lr w2 x, G2' = (w1 - lr w2 x) x
    x = torch.tensor([[2.0]])
    found = rows(product(3, 5), x, x, lambda output, y: output.mean(), lr)
    assert found["0", "gradient_shift"] == 0
    assert found["0", "gradient_cosine"] == 1
    assert found["1", "gradient_shift"] == pytest.approx(lr * 5 * 2 * 2)
    assert found["1", "gradient_cosine"] == pytest.approx(cosine)


def test_against_steps_taken_on_a_copy() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(),
        nn.Linear(144, 16), nn.BatchNorm1d(16), nn.Tanh(), nn.Linear(16, 3),
    )  # fmt: skip
    x, y, lr = torch.randn(8, 1, 8, 8), torch.randint(3, (8,)), 0.3
    found = rows(model, x, y, F.cross_entropy, lr)

    def gradients(net: nn.Module, layer: str) -> Tensor:
        own = list(net.get_submodule(layer).parameters())
        grads = torch.autograd.grad(F.cross_entropy(net(x), y), own)
        return torch.cat([gradient.flatten() for gradient in grads])

    below = {"0": [], "4": ["0", "1"], "7": ["0", "1", "4", "5"]}
    assert {layer for layer, _ in found} == set(below)
    for layer, modules in below.items():
        moved = copy.deepcopy(model)
        F.cross_entropy(moved(x), y).backward()
        with torch.no_grad():
            for p in [p for name in modules for p in moved.get_submodule(name).parameters()]:
                p -= lr * p.grad
        g, h = gradients(copy.deepcopy(model), layer), gradients(moved, layer)
        cosine = F.cosine_similarity(g.double(), h.double(), dim=0).item()
        assert found[layer, "gradient_shift"] == pytest.approx((g - h).norm().item(), rel=1e-4)
        assert found[layer, "gradient_cosine"] == pytest.approx(cosine, abs=1e-6)


def test_frozen_layers_and_parametrised_ones() -> None:
    model = nn.Sequential(
        nn.Linear(4, 4), parametrizations.weight_norm(nn.Linear(4, 4)), nn.Linear(4, 2)
    )
    model[0].requires_grad_(False)
    found = rows(model, torch.randn(5, 4), torch.zeros(5).long(), F.cross_entropy, 0.5)
    assert {layer for layer, _ in found} == {"1", "2"}
    assert found["1", "gradient_shift"] == 0 < found["2", "gradient_shift"]


def test_the_loss_scale_is_divided_out() -> None:
    x = torch.tensor([[2.0]])
    batch = (product(3, 5), x, x, lambda output, y: output.mean(), 0.1)
    scaled = gradient_shift(Moment(*batch, loss_scale=torch.tensor(1024.0))).rows()
    assert scaled == gradient_shift(Moment(*batch)).rows()
