"""Bounds and slopes of nets whose constants are known, and those of trained discriminators."""

import pytest
import torch
from torch import nn

from bnexp.measurements.lipschitz import bound, clouds, discriminator, measure, slope


def with_weights(*weights: torch.Tensor) -> nn.Sequential:
    layers = [nn.Linear(w.shape[1], w.shape[0]) for w in weights]
    for layer, w in zip(layers, weights, strict=True):
        layer.weight.data = w
    return nn.Sequential(layers[0], nn.LeakyReLU(), *layers[1:])


def test_bound_is_the_product_of_largest_singular_values() -> None:
    net = with_weights(torch.diag(torch.tensor([3.0, 1.0])), torch.tensor([[0.0, 2.0]]))
    assert bound(net) == pytest.approx(6)


def test_slope_by_finite_differences() -> None:
    generator = torch.Generator().manual_seed(0)
    net = discriminator("none", generator).double()
    x = torch.randn(5, 100, generator=generator).double()
    _, steepest = slope(net, x)
    step = 1e-6
    moved = x[:, None] + step * torch.eye(100, dtype=torch.double)
    gradients = (net(moved)[..., 0] - net(x)) / step
    assert steepest == pytest.approx(gradients.norm(dim=1).max().item(), rel=1e-4)


def test_slope_stays_below_the_bound_which_spectral_norm_holds_at_one() -> None:
    found = {(norm, name): value for norm, name, value in measure(0, steps=150)}
    for norm in ("none", "spectral"):
        assert found[norm, "slope"] <= found[norm, "bound"]
        assert found[norm, "accuracy"] > 0.7
    assert found["spectral", "bound"] == pytest.approx(1, abs=0.01)
    assert found["none", "slope"] > 1


def test_classes_lie_apart_along_one_axis() -> None:
    x, y = clouds(20_000, torch.Generator().manual_seed(1))
    gap = x[y == 1].mean(0) - x[y == 0].mean(0)
    assert gap[0].item() == pytest.approx(2, abs=0.1)
    assert gap[1:].abs().max().item() < 0.1


def test_the_same_seed_measures_the_same() -> None:
    assert measure(3, steps=5) == measure(3, steps=5)
    assert measure(3, steps=5) != measure(4, steps=5)
