"""Mean-only batch norm against its formula, and against batch norm."""

import pytest
import torch
from torch import Tensor

from bnexp.norms import make_norm

SHAPES = [(5, 3), (5, 3, 2), (4, 3, 2, 5), (2, 3, 2, 1, 4)]


def data(shape: tuple[int, ...]) -> Tensor:
    torch.manual_seed(0)
    return (3 + 2 * torch.randn(shape, dtype=torch.float64)).requires_grad_()


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_values_and_gradients(shape: tuple[int, ...]) -> None:
    x, dy = data(shape), torch.randn(shape, dtype=torch.float64)
    norm = make_norm("mean_only", 3).double()
    norm.bias.data.copy_(torch.tensor([1.0, -2.0, 0.5]))
    dims = [0, *range(2, x.ndim)]
    column = (-1, *(1,) * (x.ndim - 2))
    y = norm(x)
    torch.testing.assert_close(y, x - x.mean(dims, keepdim=True) + norm.bias.view(column))
    dx, d_bias = torch.autograd.grad(y, [x, norm.bias], dy)
    torch.testing.assert_close(dx, dy - dy.mean(dims, keepdim=True))
    torch.testing.assert_close(d_bias, dy.sum(dims))


@pytest.mark.parametrize("momentum", [0.1, 1.0, 0.0, None])
def test_the_running_mean_is_that_of_batch_norm_and_evaluation_subtracts_it(
    momentum: float | None,
) -> None:
    ours, theirs = (
        make_norm(name, 3, momentum=momentum).double() for name in ("mean_only", "batch")
    )
    for seed in range(3):
        x = torch.randn(4, 3, 2, generator=torch.Generator().manual_seed(seed)).double()
        ours(x)
        theirs(x)
    for name in ("running_mean", "num_batches_tracked"):
        torch.testing.assert_close(ours.get_buffer(name), theirs.get_buffer(name))
    torch.testing.assert_close(ours.eval()(x), x - theirs.running_mean[:, None])


def test_the_spread_stays() -> None:
    x = data((200, 3))
    y = make_norm("mean_only", 3).double()(x)
    torch.testing.assert_close(y.std(0), x.std(0))
    assert y.mean(0).abs().max() < 1e-12


def test_without_running_mean_both_modes_are_alike() -> None:
    norm, x = make_norm("mean_only", 3, track_running_stats=False).double(), data((5, 3))
    assert not dict(norm.named_buffers())
    torch.testing.assert_close(norm(x), norm.eval()(x))


def test_an_empty_batch() -> None:
    norm = make_norm("mean_only", 3)
    assert norm(torch.empty(0, 3)).shape == (0, 3)
    assert norm.running_mean.tolist() == [0, 0, 0]
