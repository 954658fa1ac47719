import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bnexp.models import build_model
from tests.models.configure import configure


def linears(preset: str = "mlp", shape: tuple[int, ...] = (500,), **keys: Any) -> list[Any]:
    torch.manual_seed(0)
    net = build_model(configure(preset, **keys), shape, 300)
    return [m for m in net.modules() if isinstance(m, nn.Linear | nn.Conv2d)]


def fans(weight: Tensor) -> tuple[int, int]:
    field = weight[0, 0].numel()
    return weight.shape[1] * field, weight.shape[0] * field


@pytest.mark.parametrize("scale", [1.0, 0.5])
@pytest.mark.parametrize("preset", ["mlp", "cnn", "rnn"])
@pytest.mark.parametrize(
    ("init", "variance"),
    [
        ("default", lambda fan_in, fan_out: 1 / (3 * fan_in)),
        ("he", lambda fan_in, fan_out: 2 / fan_in),
        ("xavier", lambda fan_in, fan_out: 2 / (fan_in + fan_out)),
    ],
)
def test_variances(preset: str, init: str, variance: Any, scale: float) -> None:
    keys = {"widths": [200, 150], "init": init, "init_scale": scale, "activation": "tanh"}
    layers = linears(preset, (20, 10, 5), **keys)
    assert layers[-1].out_features == 300
    for layer in layers:
        weight = layer.weight.detach()
        expected = scale * math.sqrt(variance(*fans(weight)))
        # a normal sample's std varies by 1 / sqrt(2n): five of these
        assert weight.std().item() == pytest.approx(expected, rel=5 / math.sqrt(2 * weight.numel()))
        assert weight.mean().item() == pytest.approx(0, abs=5 * expected / weight.numel() ** 0.5)
        uniform = weight.abs().max().item() < 1.01 * math.sqrt(3) * expected
        assert uniform is (init == "default")  # the others are normal
        if layer.bias is not None:
            assert bool(layer.bias.any()) is (init == "default")


@pytest.mark.parametrize("scale", [1.0, 2.0])
@pytest.mark.parametrize("preset", ["mlp", "cnn", "rnn"])
def test_orthogonal(preset: str, scale: float) -> None:
    for layer in linears(preset, (20, 10, 5), init="orthogonal", init_scale=scale):
        singular = torch.linalg.svdvals(layer.weight.detach().flatten(1))
        torch.testing.assert_close(singular, torch.full_like(singular, scale), rtol=1e-4, atol=0)


def test_default_is_pytorchs_own() -> None:
    for found, expected in zip(linears(widths=[40]), [(500, 40), (40, 300)], strict=True):
        if expected == (500, 40):
            torch.manual_seed(0)
        reference = nn.Linear(*expected)
        torch.testing.assert_close(found.weight, reference.weight, rtol=0, atol=0)
        torch.testing.assert_close(found.bias, reference.bias, rtol=0, atol=0)


def test_the_scale_leaves_biases_alone() -> None:
    for one, half in zip(linears(), linears(init_scale=0.5), strict=True):
        torch.testing.assert_close(half.weight, one.weight / 2, rtol=0, atol=0)
        torch.testing.assert_close(half.bias, one.bias, rtol=0, atol=0)


@pytest.mark.parametrize("init", ["default", "he", "orthogonal"])
def test_weight_norm_starts_at_the_weights_drawn(init: str) -> None:
    keys = {"init": init, "init_scale": 1.7}
    for plain, normed in zip(linears(**keys), linears(norm="weight", **keys), strict=True):
        torch.testing.assert_close(normed.weight, plain.weight)


@pytest.mark.parametrize(
    ("preset", "keys"),
    [("lstm", {"widths": [90, 80]}), ("resnet", {"widths": [40, 80]}), ("transformer", {})],
)
@pytest.mark.parametrize(
    ("init", "variance"), [("he", lambda i, o: 2 / i), ("xavier", lambda i, o: 2 / (i + o))]
)
def test_variances_of_gates_shortcuts_and_heads(
    preset: str, keys: dict[str, Any], init: str, variance: Any
) -> None:
    if preset == "resnet":
        keys = keys | {"depth": 6}
    for layer in linears(preset, (20, 8, 8), init=init, init_scale=0.5, **keys):
        gates = 4 if preset == "lstm" and layer.out_features != 300 else 1
        for weight in layer.weight.detach().chunk(gates):  # each gate is drawn by itself
            expected = 0.5 * math.sqrt(variance(*fans(weight)))
            tolerance = 5 / math.sqrt(2 * weight.numel())
            assert weight.std().item() == pytest.approx(expected, rel=tolerance)
