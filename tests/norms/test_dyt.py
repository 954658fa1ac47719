"""Dynamic tanh by value, and its gradients by formula."""

import pytest
import torch

from bnexp.norms import make_norm


@pytest.mark.parametrize("shape", [(5, 3), (5, 3, 2), (4, 3, 2, 5), (2, 3, 2, 1, 4)], ids=str)
def test_values_and_gradients(shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    dy = torch.randn(shape, dtype=torch.float64)
    norm = make_norm("dyt", 3, alpha=0.75).double()
    for parameter in (norm.weight, norm.bias):
        torch.nn.init.normal_(parameter)
    column = (-1, *(1,) * (len(shape) - 2))
    weight, t = norm.weight.detach().view(column), torch.tanh(0.75 * x.detach())
    y = norm(x)
    torch.testing.assert_close(y.detach(), weight * t + norm.bias.detach().view(column))
    gradients = torch.autograd.grad(y, [x, norm.alpha, norm.weight, norm.bias], dy)
    inner, dims = dy * weight * (1 - t**2), [0, *range(2, len(shape))]
    expected = [0.75 * inner, (inner * x.detach()).sum(), (dy * t).sum(dims), dy.sum(dims)]
    torch.testing.assert_close(list(gradients), expected)


def test_it_starts_as_the_paper_says_and_its_modes_are_alike() -> None:
    norm = make_norm("dyt", 4)
    assert (norm.alpha.shape, norm.alpha.item()) == ((), 0.5)
    x = torch.randn(3, 4)
    assert torch.equal(norm(x), norm.eval()(x))
    torch.testing.assert_close(norm(x), torch.tanh(x / 2))
    torch.testing.assert_close(norm(x)[:1], norm(x[:1]))
    assert dict(norm.named_buffers()) == {}
    assert [name for name, _ in make_norm("dyt", 4, affine=False).named_parameters()] == ["alpha"]
