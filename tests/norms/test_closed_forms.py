"""What batch statistics do by theory, and layers that are each other's special cases."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bnexp.norms import attach_norm, make_norm

BATCH = ["batch", "batch_manual"]
EPS = 1e-12


def replicates(n: int, channels: int = 100_000) -> Tensor:
    """A Gaussian batch for each channel, so that channels repeat one experiment."""
    torch.manual_seed(0)
    return torch.randn(n, channels, dtype=torch.float64)


def norm(name: str, channels: int, **options: object) -> nn.Module:
    return make_norm(name, channels, **{"eps": EPS, "affine": False} | options).double()


@pytest.mark.parametrize("name", BATCH)
@pytest.mark.parametrize("n", [2, 8, 32])
def test_spread_of_batch_statistics(name: str, n: int) -> None:
    """Var(mean_B) = sigma^2 / B and sd(s^2) / sigma^2 = sqrt(2 / (B - 1)), s^2 unbiased."""
    x = replicates(n)
    layer = norm(name, x.shape[1], momentum=1.0)
    layer(x * 3 + 5)
    assert layer.running_mean.mean() == pytest.approx(5, abs=0.03)
    assert layer.running_mean.var() == pytest.approx(9 / n, rel=0.02)
    assert layer.running_var.mean() == pytest.approx(9, rel=0.02)
    assert layer.running_var.std() / 9 == pytest.approx((2 / (n - 1)) ** 0.5, rel=0.02)


@pytest.mark.parametrize("name", BATCH)
@pytest.mark.parametrize("n", [2, 4, 16])
def test_range_and_kurtosis_of_normalised_values(name: str, n: int) -> None:
    """|x_hat| <= sqrt(B - 1), kurtosis 3 (B - 1) / (B + 1)."""
    x_hat = norm(name, 100_000)(replicates(n))
    assert x_hat.abs().max() <= (n - 1) ** 0.5 + 1e-9
    outlier = torch.zeros(n, 1, dtype=torch.float64)
    outlier[0] = 1
    assert norm(name, 1)(outlier).max() == pytest.approx((n - 1) ** 0.5)
    assert (x_hat**4).mean() == pytest.approx(3 * (n - 1) / (n + 1), rel=0.02)


@pytest.mark.parametrize("name", BATCH)
@pytest.mark.parametrize(("n", "excess"), [(2, 25.3), (4, 8.5), (8, 3.6), (16, 1.7), (32, 0.8)])
def test_mean_relu_activation_in_train_over_eval_mode(name: str, n: int, excess: float) -> None:
    layer = norm(name, 200_000, momentum=0.0)  # running statistics stay the population's
    x = replicates(n, 200_000)
    train, evaluation = layer(x).relu().mean(), layer.eval()(x).relu().mean()
    expected = 1 / (2 * math.pi) ** 0.5
    assert evaluation == pytest.approx(expected, rel=0.01)
    assert 100 * (train / expected - 1) == pytest.approx(excess, abs=0.1)


@pytest.mark.parametrize("name", BATCH)
def test_two_samples_become_signs_and_their_gradients_vanish(name: str) -> None:
    """x_hat = +-1 / sqrt(1 + 4 eps / (a - b)^2); gradients are large only for near-ties."""
    x = replicates(2).requires_grad_()
    y = norm(name, x.shape[1], eps=1e-5)(x)
    gap = (x[0] - x[1]).detach()
    torch.testing.assert_close(y[0], gap.sign() / (1 + 4e-5 / gap**2).sqrt())
    torch.testing.assert_close(y[0], -y[1])
    (gradient,) = torch.autograd.grad(y, x, torch.randn_like(y))
    assert gradient.abs().median() < 1e-4
    assert gradient.abs().max() > 10


@pytest.mark.parametrize("name", BATCH)
@pytest.mark.parametrize("momentum", [0.01, 0.1, 0.5])
def test_stationary_spread_of_the_running_mean(name: str, momentum: float) -> None:
    """sd = sigma / sqrt(B) sqrt(m / (2 - m))."""
    layer = norm(name, 20_000, momentum=momentum)
    torch.manual_seed(0)
    for _ in range(round(5 / momentum)):
        layer(torch.randn(4, 20_000, dtype=torch.float64))
    expected = 0.5 * (momentum / (2 - momentum)) ** 0.5
    assert layer.running_mean.std() == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize("name", BATCH)
@pytest.mark.parametrize(("share", "steps"), [(0.9, 22), (0.99, 44)])
def test_steps_until_the_running_mean_has_arrived(name: str, share: float, steps: int) -> None:
    layer = norm(name, 1, momentum=0.1)
    x = torch.tensor([[0.0], [2.0]], dtype=torch.float64)
    for _ in range(steps - 1):
        layer(x)
    assert layer.running_mean.item() < share
    layer(x)
    assert layer.running_mean.item() >= share


@pytest.mark.parametrize("name", BATCH)
@pytest.mark.parametrize("value", [0.0, 1.0, 2.0])
def test_companions_move_a_normalised_value(name: str, value: float) -> None:
    """The variance of x_hat over random companions is about (1 + x^2 / 2) / B."""
    x = replicates(128, 20_000)
    x[0] = value
    jitter = norm(name, x.shape[1])(x)[0].var()
    assert jitter == pytest.approx((1 + value**2 / 2) / 128, rel=0.06)


@pytest.mark.parametrize("name", ["batch", "batch_manual", "ghost", "precise"])
@pytest.mark.parametrize("space", [(5,), (3, 2), (2, 3, 2)], ids=str)
def test_a_batch_of_one_image_is_instance_norm(name: str, space: tuple[int, ...]) -> None:
    x = torch.randn(1, 6, *space, dtype=torch.float64)
    torch.testing.assert_close(norm(name, 6)(x), norm("instance", 6)(x))


@pytest.mark.parametrize("space", [(5,), (3, 2), (2, 3, 2)], ids=str)
def test_group_norm_between_layer_and_instance_norm(space: tuple[int, ...]) -> None:
    x = torch.randn(4, 6, *space, dtype=torch.float64)
    torch.testing.assert_close(norm("group", 6, groups=1)(x), norm("layer", 6)(x))
    torch.testing.assert_close(norm("group", 6, groups=6)(x), norm("instance", 6)(x))


@pytest.mark.parametrize("momentum", [0.1, None, 0.0, 1.0])
@pytest.mark.parametrize("shape", [(8, 6), (8, 6, 3, 2)], ids=str)
def test_ghosts_are_batch_norms_of_their_parts(
    shape: tuple[int, ...], momentum: float | None
) -> None:
    x = torch.randn(shape, dtype=torch.float64)
    for size in (4, 3):  # 8 samples make ghosts of 4, 4 and of 3, 3, 2
        ghost = norm("ghost", 6, ghost_size=size, momentum=momentum)
        batch = norm("batch", 6, momentum=momentum)
        parts = [batch(part) for part in x.tensor_split(-(-8 // size))]
        torch.testing.assert_close(ghost(x), torch.cat(parts))
        for mine, reference in zip(ghost.buffers(), batch.buffers(), strict=True):
            torch.testing.assert_close(mine, reference)


def renorm(**options: float) -> nn.Module:
    return norm("batch_renorm", 6, **{"eps": 1e-5, "warmup_steps": 0, "ramp_steps": 0} | options)


def test_renormalisation_clipped_to_one_is_batch_norm() -> None:
    """tensorpack/tensorpack#1065 applied the scale before the correction."""
    x = torch.randn(8, 6, 3, dtype=torch.float64) * 3 + 2
    layer = renorm(r_max=1.0, d_max=0.0, affine=True)
    nn.init.normal_(layer.weight), nn.init.normal_(layer.bias)
    for _ in range(3):
        y = F.batch_norm(x, None, None, layer.weight, layer.bias, training=True)
        torch.testing.assert_close(layer(x), y)


def test_renormalisation_unclipped_is_the_running_statistics() -> None:
    x = torch.randn(8, 6, 3, dtype=torch.float64) * 3 + 2
    layer = renorm(r_max=1e9, d_max=1e9, momentum=0.5, affine=True)
    nn.init.normal_(layer.weight), nn.init.normal_(layer.bias)
    for _ in range(3):
        mean, std = (s.clone().view(6, 1) for s in (layer.running_mean, layer.running_std))
        y = (x - mean) / std * layer.weight.view(6, 1) + layer.bias.view(6, 1)
        torch.testing.assert_close(layer(x), y)
    mean, std = (s.clone().view(6, 1) for s in (layer.running_mean, layer.running_std))
    y = (x - mean) / std * layer.weight.view(6, 1) + layer.bias.view(6, 1)
    torch.testing.assert_close(layer.eval()(x), y)


def test_renormalisation_averages_means_and_biased_standard_deviations() -> None:
    x = torch.randn(8, 6, dtype=torch.float64) * 3 + 2
    layer = renorm(momentum=0.01)
    layer(x)
    torch.testing.assert_close(layer.running_mean, 0.01 * x.mean(0))
    std = (x.var(0, correction=0) + 1e-5).sqrt()
    torch.testing.assert_close(layer.running_std, 0.99 + 0.01 * std)
    torch.testing.assert_close(layer.running_var, layer.running_std**2 - 1e-5)


def test_renormalisation_opens_its_clips_on_schedule() -> None:
    """x = +-(5 std) + 100: r and d hit their clips, so y = +-r_max + d_max."""
    x = torch.tensor([[105.0], [95.0]], dtype=torch.float64)
    layer = make_norm(
        "batch_renorm", 1, affine=False, eps=1e-12, momentum=1e-9, r_max=3.0, d_max=5.0,
        warmup_steps=2, ramp_steps=4,
    ).double()  # fmt: skip
    for r, d in [(1, 0), (1, 0), (1.4, 1), (1.8, 2), (2.2, 3), (2.6, 4), (3, 5), (3, 5)]:
        torch.testing.assert_close(layer(x), torch.tensor([[d + r], [d - r]]).double())


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_weight_norm_keeps_the_direction(groups: int) -> None:
    layer, after = attach_norm(nn.Conv2d(4, 8, 3, groups=groups), "weight", 8)
    g, v = layer.parametrizations.weight.original0, layer.parametrizations.weight.original1
    with torch.no_grad():
        g.uniform_(1, 2)
    norms = v.flatten(1).norm(dim=1).view_as(g)
    torch.testing.assert_close(layer.weight, g * v / norms)
    assert isinstance(after, nn.Identity)


@pytest.mark.parametrize("layer", [nn.Linear(7, 5), nn.Conv2d(3, 5, 3)], ids=["linear", "conv"])
def test_spectral_norm_divides_by_the_largest_singular_value(layer: nn.Module) -> None:
    torch.manual_seed(0)
    layer.reset_parameters()  # 50 iterations are enough for these weights, not for any
    before = layer.weight.detach().clone().flatten(1)
    parametrised, _ = attach_norm(layer, "spectral", 5, power_iterations=50)
    sigma = torch.linalg.matrix_norm(before, 2)
    torch.testing.assert_close(parametrised.weight.flatten(1), before / sigma, rtol=1e-4, atol=1e-5)
