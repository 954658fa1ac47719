import math

import numpy as np
import pytest
import torch

from bnexp.norms import make_norm
from bnexp.report.theory import (
    ACTIVATIONS,
    WEIGHT_VARIANCE,
    batch_norm_ratio,
    dyt_ratio,
    group_norm_ratio,
    layer_norm_ratio,
    mean_only_ratio,
    plain_ratio,
    predicted_ratio,
)

CONFIG = {
    "model.kind": "mlp",
    "model.norm": "none",
    "model.activation": "relu",
    "model.placement": "before",
    "model.dropout": 0.0,
    "model.widths": [128],
    "model.init": "default",
    "model.init_scale": 1.0,
    "data.batch_size": 128,
}


@pytest.mark.parametrize(
    ("init", "identity", "relu", "tanh", "sigmoid"),
    [
        ("default", 0.5774, 0.4082, 0.5774, 0.1414),
        ("xavier", 1.0, 0.7071, 1.0, 0.2361),
        ("he", 1.4142, 1.0, 1.0514, 0.3178),
    ],
)
def test_plain_ratios(init: str, identity: float, relu: float, tanh: float, sigmoid: float) -> None:
    expected = {"identity": identity, "relu": relu, "tanh": tanh, "sigmoid": sigmoid}
    for activation, ratio in expected.items():
        found = plain_ratio(activation, WEIGHT_VARIANCE[init])
        assert found == pytest.approx(ratio, abs=4e-4), activation


@pytest.mark.parametrize(
    ("activation", "ratios"),
    [
        ("relu", (1.337, 1.234, 1.216, 1.2112)),
        ("tanh", (1.166, 1.099, 1.088, 1.0853)),
        ("sigmoid", (1.106, 1.032, 1.020, 1.0167)),
        ("identity", (math.sqrt(6 / 5), math.sqrt(30 / 29), math.sqrt(126 / 125), 1.0)),
    ],
)
def test_batch_norm_ratios(activation: str, ratios: tuple[float, ...]) -> None:
    for size, ratio in zip((8, 32, 128, math.inf), ratios, strict=True):
        assert batch_norm_ratio(activation, size) == pytest.approx(ratio, abs=6e-4)


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "gelu"])
def test_large_batches_tend_to_the_limit(activation: str) -> None:
    limit = batch_norm_ratio(activation, math.inf)
    assert batch_norm_ratio(activation, 4096) == pytest.approx(limit, abs=2e-3)


def test_batch_norm_ratio_by_sampling() -> None:
    """The expectation as it is written in theory, with random batches of eight."""
    size, rng = 8, np.random.default_rng(0)
    h = rng.normal(size=(200_000, size))
    h -= h.mean(1, keepdims=True)
    x = h / np.sqrt((h**2).mean(1, keepdims=True))
    d, phi = 1 / np.cosh(x) ** 2, np.tanh(x)
    centred = d[:, :, None] * (np.eye(size) - 1 / size) * d[:, None, :]
    project = np.eye(size) - 1 / size - x[:, :, None] * x[:, None, :] / size
    trace = (project * centred).sum((1, 2)).mean()
    rate = size / ((size - 3) * (size - 1)) * trace / phi.var(1, ddof=1).mean()
    assert batch_norm_ratio("tanh", size) == pytest.approx(math.sqrt(rate), rel=3e-3)


def test_layer_and_group_norm_ratios() -> None:
    assert layer_norm_ratio("relu") == 1
    assert layer_norm_ratio("tanh") == pytest.approx(1.0853, abs=1e-4)
    assert layer_norm_ratio("sigmoid") == pytest.approx(0.3909, abs=1e-4)
    assert group_norm_ratio("relu", 16) == pytest.approx(math.sqrt(14 / 13))


def simulated_ratio(norm: str, activation: str, weight_variance: float) -> float:
    """The ratio in the middle of real nets, the geometric mean over layers and seeds."""
    width, depth, logs = 512, 14, []
    for seed in range(4):
        generator = torch.Generator().manual_seed(seed)

        def draw(*shape: int, generator: torch.Generator = generator) -> torch.Tensor:
            return torch.randn(shape, generator=generator)

        h, zs = draw(64, width), []
        for _ in range(depth):
            z = (h @ draw(width, width) * (weight_variance / width) ** 0.5).requires_grad_()
            z.retain_grad()
            zs.append(z)
            h = getattr(torch, activation)(make_norm(norm, width)(z))
        (h @ draw(width, 10) * draw(64, 10)).sum().backward()
        norms = [z.grad.norm().item() for z in zs]
        logs += [math.log(norms[at] / norms[at + 1]) for at in range(5, depth - 3)]
    return math.exp(sum(logs) / len(logs))


@pytest.mark.parametrize("weight_variance", [1 / 3, 2.0])
@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
def test_mean_only_and_dyt_ratios_are_those_of_nets(
    activation: str, weight_variance: float
) -> None:
    for norm, theory in (("mean_only", mean_only_ratio), ("dyt", dyt_ratio)):
        expected = simulated_ratio(norm, activation, weight_variance)
        assert theory(activation, weight_variance) == pytest.approx(expected, rel=0.02)


def test_mean_only_and_dyt_ratios_by_hand() -> None:
    """Signals that die out see the slope at 0 only; ReLU's slope is 1 half of the time."""
    assert mean_only_ratio("sigmoid", 2.0) == pytest.approx(math.sqrt(2) / 4, rel=1e-3)
    assert mean_only_ratio("relu", 2.0) == 1
    assert mean_only_ratio("tanh", 2.0) == pytest.approx(plain_ratio("tanh", 2.0))
    assert dyt_ratio("relu", 2.0) == pytest.approx(0.5, rel=1e-3)
    assert dyt_ratio("identity", 1.0, alpha=1.0) == pytest.approx(plain_ratio("tanh", 1.0))


def test_small_groups_and_batches_have_no_closed_form() -> None:
    with pytest.raises(ValueError, match="5 and more"):
        batch_norm_ratio("tanh", 4)
    with pytest.raises(ValueError, match="more than 3"):
        group_norm_ratio("tanh", 3)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_slopes_are_derivatives(name: str) -> None:
    phi, slope = ACTIVATIONS[name]
    x = np.linspace(-3, 3, 40)
    assert slope(x) == pytest.approx((phi(x + 1e-6) - phi(x - 1e-6)) / 2e-6, abs=1e-5)


def test_what_is_predicted_for_a_run() -> None:
    assert predicted_ratio(CONFIG) == pytest.approx(math.sqrt(1 / 6))
    assert predicted_ratio(CONFIG | {"model.init_scale": 2.0}) == pytest.approx(math.sqrt(4 / 6))
    assert predicted_ratio(CONFIG | {"model.norm": "batch"}) == batch_norm_ratio("relu", 128)
    ghost = CONFIG | {"model.norm": "ghost", "model.norm_options.ghost_size": 16}
    assert predicted_ratio(ghost) == batch_norm_ratio("relu", 16)
    group = CONFIG | {"model.norm": "group", "model.norm_options.groups": 8}
    assert predicted_ratio(group) == group_norm_ratio("relu", 16)
    dyt = CONFIG | {"model.norm": "dyt", "model.norm_options.alpha": 0.8}
    assert predicted_ratio(dyt) == dyt_ratio("relu", 1 / 3, 1 / 384, 0.8)
    assert predicted_ratio(CONFIG | {"model.norm": "mean_only"}) == mean_only_ratio("relu", 1 / 3)


@pytest.mark.parametrize(
    "change",
    [
        {"model.kind": "cnn"},
        {"model.norm": "instance"},
        {"model.norm": "batch", "data.batch_size": 4},
        {"model.norm": "batch", "model.placement": "after"},
        {"model.dropout": 0.5},
        {"model.norm": "group", "model.norm_options.groups": 64},
    ],
)
def test_where_theory_is_silent(change: dict[str, object]) -> None:
    assert predicted_ratio(CONFIG | change) is None
