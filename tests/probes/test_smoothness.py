import copy

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bnexp.probes import Moment
from bnexp.probes.smoothness import LENGTHS, smoothness


def measured(*arguments: object) -> dict[str, float]:
    found = smoothness(Moment(*arguments)).rows()["measures"]  # type: ignore[arg-type]
    assert {layer for layer, _, _ in found} == {"model"}
    return {name: value for _, name, value in found}


def scalar(weight: float) -> nn.Linear:
    model = nn.Linear(1, 1, bias=False)
    nn.init.constant_(model.weight, weight)
    return model


def test_a_parabola_by_hand() -> None:
    # loss w^2 / 2 at w = 3, lr 0.1: steps to 3 (1 - 0.1 s), the gradient is w, its slope 1
    def half_square(output: Tensor, y: Tensor) -> Tensor:
        return (output**2).mean() / 2

    one = torch.ones(1, 1)
    found = measured(scalar(3), one, one, half_square, 0.1)
    assert found["loss_range"] == pytest.approx(4.5 * (0.95**2 - 0.6**2), rel=1e-5)
    assert found["gradient_range"] == pytest.approx(3 * 0.4, rel=1e-5)
    assert found["effective_smoothness"] == pytest.approx(1, rel=1e-5)


def test_a_straight_line() -> None:
    one = torch.ones(1, 1)
    found = measured(scalar(3), one, one, lambda output, y: output.mean(), 0.1)
    assert found["loss_range"] == pytest.approx(0.1 * 3.5, rel=1e-5)
    assert found["gradient_range"] == found["effective_smoothness"] == 0


def test_against_steps_taken_on_copies() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))
    x, y, lr = torch.randn(16, 6), torch.randint(3, (16,)), 0.5

    def loss_and_gradient(net: nn.Module) -> tuple[Tensor, Tensor]:
        loss = F.cross_entropy(net(x), y)
        found = torch.autograd.grad(loss, list(net.parameters()))
        return loss.detach(), nn.utils.parameters_to_vector(found)

    _, g = loss_and_gradient(copy.deepcopy(model))
    losses, changes = [], []
    for length in LENGTHS:
        moved = copy.deepcopy(model)
        weights = nn.utils.parameters_to_vector(model.parameters()).detach()
        nn.utils.vector_to_parameters(weights - length * lr * g, moved.parameters())
        loss, h = loss_and_gradient(moved)
        losses.append(loss.item())
        changes.append((g - h).norm().item())
    steps = [length * lr * g.norm().item() for length in LENGTHS]
    assert measured(model, x, y, F.cross_entropy, lr) == pytest.approx(
        {
            "loss_range": max(losses) - min(losses),
            "gradient_range": max(changes),
            "effective_smoothness": max(c / s for c, s in zip(changes, steps, strict=True)),
        },
        rel=1e-4,
    )
