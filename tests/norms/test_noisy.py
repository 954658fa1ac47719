"""The noise after batch norm: its distribution, that it changes, and when it is off."""

import pytest
import torch
from torch import Tensor

from bnexp.norms import make_norm


def batch(*shape: int) -> Tensor:
    torch.manual_seed(0)
    return torch.randn(shape, dtype=torch.float64) * 2 + 3


def line(plain: Tensor, noisy: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Factor and shift of each channel by least squares, and what they leave unexplained."""
    x, y = (t.detach().transpose(0, 1).flatten(1) for t in (plain, noisy))
    factor = ((x - x.mean(1, keepdim=True)) * y).mean(1) / x.var(1, correction=0)
    shift = y.mean(1) - factor * x.mean(1)
    return factor, shift, y - factor[:, None] * x - shift[:, None]


def test_without_spread_each_channel_is_shifted_and_scaled_as_a_whole() -> None:
    x = batch(8, 20_000)
    noisy = make_norm("noisy_batch", 20_000, spread=0.0).double()
    plain = make_norm("batch", 20_000).double()(x)
    factor, shift, rest = line(plain, noisy(x))
    assert rest.abs().max() < 1e-9
    assert (factor >= 1).all()
    assert (factor <= 1.25 + 1e-9).all()
    assert shift.abs().max() <= 0.5
    assert factor.mean() == pytest.approx(1.125, abs=0.002)  # of U(1, 1.25)
    assert factor.std() == pytest.approx(0.25 / 12**0.5, rel=0.02)
    assert shift.std() == pytest.approx(1 / 12**0.5, rel=0.02)  # of U(-1/2, 1/2)


def test_each_value_has_noise_of_its_own() -> None:
    """Around the channel's line, variance spread^2 (x_hat^2 + 1/3): normal factor, flat shift."""
    x = batch(50, 40, 20, 5)
    plain = make_norm("batch", 40).double()(x)
    noisy = make_norm("noisy_batch", 40, spread=0.2).double()(x)
    x_hat = plain.detach().transpose(0, 1).flatten(1)
    rest = line(plain, noisy)[2]
    for low, high in ((0.0, 0.5), (0.5, 1.0), (1.0, 2.0), (2.0, 4.0)):
        among = (low <= x_hat.abs()) & (x_hat.abs() < high)
        expected = 0.2**2 * (x_hat[among].square().mean() + 1 / 3)
        assert rest[among].square().mean() == pytest.approx(expected.item(), rel=0.05)


def test_the_distribution_changes_at_every_step_and_follows_the_seed() -> None:
    x, norm = batch(64, 6), make_norm("noisy_batch", 6, spread=0.0).double()
    torch.manual_seed(1)
    first, second = norm(x), norm(x)
    assert not torch.allclose(first.mean(0), second.mean(0), atol=0.01)
    torch.manual_seed(1)
    assert torch.equal(norm(x), first)


def test_evaluation_and_running_statistics_are_those_of_batch_norm() -> None:
    x = batch(16, 6, 2)
    noisy, plain = make_norm("noisy_batch", 6).double(), make_norm("batch", 6).double()
    noisy(x)
    plain(x)
    torch.testing.assert_close(noisy.state_dict(), plain.state_dict())
    assert torch.equal(noisy.eval()(x), plain.eval()(x))


def test_no_noise_is_batch_norm() -> None:
    x = batch(16, 6, 2)
    noisy = make_norm("noisy_batch", 6, shift=0.0, scale=1.0, spread=0.0).double()
    torch.testing.assert_close(noisy(x), make_norm("batch", 6).double()(x))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_noise_of_half_precision_is_drawn_in_fp32(dtype: torch.dtype) -> None:
    x = batch(16, 6, 3).to(dtype)
    norm = make_norm("noisy_batch", 6, eps=1e-3).to(dtype)
    y = norm(x)
    assert y.dtype == dtype
    assert y.isfinite().all()
