"""Hand-written backward passes against finite differences, first and second derivatives."""

import pytest
import torch
from torch import Tensor, nn
from torch.autograd import gradcheck, gradgradcheck

from bnexp.norms import make_norm

CASES = {
    "batch_manual": {},
    "batch_manual, not affine": {"affine": False},
    "ghost": {"ghost_size": 2},
    "ghost, unequal": {"ghost_size": 3},
    "mean_only": {},
    "mean_only, not affine": {"affine": False},
    "dyt": {},
    "dyt, not affine": {"affine": False},
    "noisy_batch": {},
    "rms": {},
    "rms, not affine": {"affine": False},
}


def parametrised(norm: nn.Module, shape: tuple[int, ...]) -> list[Tensor]:
    torch.manual_seed(0)
    norm.double()
    for parameter in norm.parameters():
        nn.init.normal_(parameter)
    return [torch.randn(shape, dtype=torch.float64, requires_grad=True), *norm.parameters()]


@pytest.mark.parametrize("shape", [(4, 3), (4, 3, 2), (4, 2, 2, 2), (4, 2, 1, 2, 2)], ids=str)
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("train", [True, False], ids=["train", "eval"])
def test_gradients(case: str, shape: tuple[int, ...], train: bool) -> None:
    norm = make_norm(case.partition(",")[0], shape[1], **CASES[case])
    inputs = parametrised(norm, shape)
    norm(inputs[0].detach())  # eval mode with running statistics other than 0 and 1
    norm.train(train)

    def same_noise(x: Tensor, *_: Tensor) -> Tensor:
        torch.manual_seed(1)
        return norm(x)

    assert gradcheck(same_noise, inputs)
    assert gradgradcheck(same_noise, inputs, fast_mode=True)


@pytest.mark.parametrize("shape", [(4, 3), (4, 2, 2, 2)], ids=str)
def test_gradients_of_renormalisation_with_r_and_d_held(
    shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """r and d are constants of the backward pass, so finite differences must not move them."""
    norm = make_norm("batch_renorm", shape[1], warmup_steps=0, ramp_steps=0)
    inputs = parametrised(norm, shape)
    r, d = torch.rand(2, shape[1], dtype=torch.float64) + 0.5
    monkeypatch.setattr(norm, "_corrections", lambda *_: (r, d))
    assert gradcheck(lambda x, *_: norm(x), inputs)
    assert gradgradcheck(lambda x, *_: norm(x), inputs)


def test_r_and_d_carry_no_gradient() -> None:
    """The gradient is that of batch norm times r, not that of (x - mean) / std."""
    torch.manual_seed(0)
    norm = make_norm("batch_renorm", 3, warmup_steps=0, ramp_steps=0, r_max=9.0, d_max=9.0).double()
    x = torch.randn(8, 3, dtype=torch.float64, requires_grad=True)
    weights = torch.randn_like(x)
    r = (x.detach().var(0, correction=0) + 1e-5).sqrt()  # the running std is still 1
    (ours,) = torch.autograd.grad(norm(x), x, weights)
    y = torch.nn.functional.batch_norm(x, None, None, training=True)
    (plain,) = torch.autograd.grad(y, x, weights)
    torch.testing.assert_close(ours, plain * r)
