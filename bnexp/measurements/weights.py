"""What PyTorch's weight norm and spectral norm make of a linear layer's weight."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize
from torch.nn.utils import parametrizations


def measure(
    seed: int,
    inputs: int = 100,
    outputs: int = 128,
    iterations: Sequence[int] = (1, 2, 5, 10, 20, 50, 100),
) -> list[tuple[str, str, float]]:
    """Return rows (layer, name, value) of Linear(inputs, outputs).

    `weight_norm`: `largest_error`, the largest difference from g v / norm(v), g other than the
    norm. `spectral_norm`: `sigma_after_k`, the power iteration's largest singular value after k
    iterations from a random vector over the one by singular value decomposition;
    `sigma_as_attached`, the same for the layer as PyTorch hands it over; and
    `largest_singular_value` of its weight after `iterations[-1]` iterations. In double precision.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        weight = torch.empty(outputs, inputs, dtype=torch.float64)
        nn.init.uniform_(weight, -(inputs**-0.5), inputs**-0.5)
        return [*_weight_norm(weight), *_spectral_norm(weight, iterations)]


def _weight_norm(weight: Tensor) -> list[tuple[str, str, float]]:
    layer: Any = parametrizations.weight_norm(_linear(weight))
    g, v = layer.parametrizations.weight.parameters()
    with torch.no_grad():
        g.mul_(torch.rand(g.shape, dtype=g.dtype) + 0.5)
        by_formula = g * v / v.norm(dim=1, keepdim=True)
        error = (layer.weight - by_formula).abs().max()
    return [("weight_norm", "largest_error", error.item())]


def _spectral_norm(weight: Tensor, iterations: Sequence[int]) -> list[tuple[str, str, float]]:
    layer: Any = parametrizations.spectral_norm(_linear(weight)).eval()
    sigma = torch.linalg.svdvals(weight)[0]
    found = [("spectral_norm", "sigma_as_attached", _ratio(layer, weight, sigma))]
    power = layer.parametrizations.weight[0]
    power._u = normalize(torch.randn(len(weight), dtype=weight.dtype), dim=0)
    power._v = normalize(weight.T @ power._u, dim=0)
    done = 0
    for k in iterations:
        with torch.no_grad():
            layer.train()
            for _ in range(k - done):
                layer.weight  # noqa: B018  each reading in training mode is one iteration
            layer.eval()
        done = k
        found.append(("spectral_norm", f"sigma_after_{k}", _ratio(layer, weight, sigma)))
    largest = torch.linalg.svdvals(layer.weight.detach())[0]
    return [*found, ("spectral_norm", "largest_singular_value", largest.item())]


def _ratio(layer: nn.Linear, weight: Tensor, sigma: Tensor) -> float:
    """The estimate by which the layer divides its weight, over the true value."""
    with torch.no_grad():
        return float((weight / layer.weight).mean() / sigma)


def _linear(weight: Tensor) -> nn.Linear:
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=False, dtype=weight.dtype)
    with torch.no_grad():
        layer.weight.copy_(weight)
    return layer
