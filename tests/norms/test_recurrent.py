"""Batch norm with statistics of its own for each time step."""

import pytest
import torch
from torch import nn

from bnexp.norms import RecurrentBatchNorm


def sequence(steps: int) -> list[torch.Tensor]:
    torch.manual_seed(0)
    return [torch.randn(16, 4) * (t + 1) + t for t in range(steps)]


def test_each_step_is_a_batch_norm() -> None:
    ours = RecurrentBatchNorm(4, gamma=0.3)
    steps = [nn.BatchNorm1d(4) for _ in range(5)]
    for _ in range(3):
        for t, x in enumerate(sequence(5)):
            torch.testing.assert_close(ours(x, t), steps[t](x) * 0.3)
    ours.eval()
    for t, x in enumerate(sequence(5)):
        torch.testing.assert_close(ours(x, t), steps[t].eval()(x) * 0.3)
        torch.testing.assert_close(ours.running_mean[t], steps[t].running_mean)
        torch.testing.assert_close(ours.running_var[t], steps[t].running_var)


def test_later_steps_use_the_last_one() -> None:
    norm = RecurrentBatchNorm(4)
    for t, x in enumerate(sequence(3)):
        norm(x, t)
    norm.eval()
    x = torch.randn(16, 4)
    assert torch.equal(norm(x, 7), norm(x, 2))
    assert not torch.allclose(norm(x, 1), norm(x, 2))
    assert len(norm.running_mean) == 3


def test_untrained_and_shared() -> None:
    norm = RecurrentBatchNorm(4).eval()
    x = torch.randn(3, 4)
    torch.testing.assert_close(norm(x, 5), 0.1 * x)
    assert sum(p.numel() for p in norm.parameters()) == 8  # scale and shift for all steps
    assert RecurrentBatchNorm(4, affine=False).weight is None


def test_buffers_stay_the_same_tensors_while_they_grow() -> None:
    """Whoever saves buffers to restore them, as evaluation in training mode, holds on to them."""
    norm = RecurrentBatchNorm(4)
    mean, before = norm.running_mean, norm.running_mean.clone()
    norm(torch.randn(16, 4) + 9, 3)
    assert norm.running_mean is mean
    assert mean.shape == (4, 4)
    assert torch.equal(mean[:3], torch.zeros(3, 4))
    mean.copy_(before)
    assert torch.equal(norm.running_mean, torch.zeros(4, 4))


def test_state_dict_of_any_length_loads() -> None:
    for ours, theirs in [(1, 5), (5, 2), (3, 3)]:
        norm, other = RecurrentBatchNorm(4), RecurrentBatchNorm(4)
        for layer, steps in ((norm, ours), (other, theirs)):
            for t, x in enumerate(sequence(steps)):
                layer(x, t)
        net = nn.ModuleDict({"norm": norm})
        net.load_state_dict(nn.ModuleDict({"norm": other}).state_dict())
        torch.testing.assert_close(norm.state_dict(), other.state_dict(), rtol=0, atol=0)


def test_gradients() -> None:
    norm = RecurrentBatchNorm(3).double()
    x = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x, *_: norm(x, 1), [x, *norm.parameters()])


def test_a_batch_of_one_is_refused() -> None:
    with pytest.raises(ValueError, match="Expected more than 1 value per channel when training"):
        RecurrentBatchNorm(4)(torch.randn(1, 4), 0)


def test_the_first_pass_can_be_followed_backward_while_the_steps_grow() -> None:
    """The running statistics change, and grow, between the steps of one pass."""
    norm = RecurrentBatchNorm(3)
    x = torch.randn(4, 3, requires_grad=True)
    (norm(x, 0) * norm(x, 1) * norm.eval()(x, 0)).sum().backward()
    norm.train()(x, 2)
    assert x.grad is not None
