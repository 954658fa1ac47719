"""What must not change the output, for any input."""

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given, settings
from torch import Tensor

from bnexp.norms import make_norm

BATCH = ["batch", "batch_manual", "batch_renorm", "ghost", "precise"]
CENTRED = [*BATCH, "layer", "group", "instance"]
C = 4
EPS = 1e-5
seeds = st.integers(0, 2**31)
spaces = st.sampled_from([(), (3,), (2, 3), (2, 1, 2)])
factors = st.floats(0.1, 10)
few = settings(max_examples=25, deadline=None)


def draw(seed: int, n: int, space: tuple[int, ...]) -> Tensor:
    return torch.randn(
        n, C, *space, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)
    )


def apply(name: str, x: Tensor, eps: float = EPS) -> Tensor:
    options = {"group": {"groups": 2}, "ghost": {"ghost_size": 3}}.get(name, {})
    if name == "instance" and x.ndim == 2:
        x = x.unsqueeze(2).expand(-1, -1, 2) * torch.tensor([1.0, 2.0], dtype=x.dtype)
    return make_norm(name, C, eps=eps, **options).double()(x)


@few
@given(seeds, st.integers(2, 9), spaces, factors, st.sampled_from([-1, 1]))
def test_scaling_the_input(
    seed: int, n: int, space: tuple[int, ...], factor: float, sign: int
) -> None:
    """y(a x, eps) = sign(a) y(x, eps / a^2), with which eps drops out as a grows."""
    for name in [*CENTRED, "rms"]:
        x = draw(seed, n, space)
        expected = sign * apply(name, x, EPS / factor**2)
        torch.testing.assert_close(apply(name, sign * factor * x), expected, rtol=1e-6, atol=1e-6)


@few
@given(seeds, st.integers(2, 9), spaces, st.floats(-10, 10))
def test_shifting_the_input(seed: int, n: int, space: tuple[int, ...], shift: float) -> None:
    for name in CENTRED:
        x = draw(seed, n, space)
        if name == "instance" and not space:
            continue
        torch.testing.assert_close(apply(name, x + shift), apply(name, x), rtol=1e-6, atol=1e-6)


@few
@given(seeds, st.integers(2, 9), spaces)
def test_each_channel_may_be_scaled_and_shifted_alone(
    seed: int, n: int, space: tuple[int, ...]
) -> None:
    """True of the batch norms, and what layer and group norm do not forgive."""
    x = draw(seed, n, space)
    a = draw(seed + 1, 1, ()).abs().view(C, *(1,) * len(space)) + 0.1
    b = draw(seed + 2, 1, ()).view(C, *(1,) * len(space))
    for name in BATCH:
        y = apply(name, x, 1e-14)
        torch.testing.assert_close(apply(name, a * x + b, 1e-14), y, rtol=1e-5, atol=1e-5)


@few
@given(seeds, st.integers(2, 9), spaces, st.randoms(use_true_random=False))
def test_permuting_the_batch(seed: int, n: int, space: tuple[int, ...], random: object) -> None:
    """Permutes the output alike; ghosts are parts of consecutive samples, so not for them."""
    order = list(range(n))
    random.shuffle(order)  # type: ignore[attr-defined]
    x = draw(seed, n, space)
    for name in [*CENTRED, "rms"]:
        if name != "ghost":
            torch.testing.assert_close(apply(name, x[order]), apply(name, x)[order])


@few
@given(seeds, st.integers(2, 9), factors)
def test_scaling_the_weights_before_the_norm(seed: int, n: int, factor: float) -> None:
    """Same output, and a gradient that is smaller by the factor (arXiv:1502.03167, 3.3)."""
    inputs, weight, projection = draw(seed, n, ()), draw(seed + 1, C, ()), draw(seed + 2, n, ())
    for name in ["batch", "batch_manual", "ghost", "precise", "batch_renorm", "layer", "rms"]:
        results = []
        for a in (1.0, factor):
            w = (weight * a).requires_grad_()
            y = apply(name, inputs @ w.T, EPS * a**2)
            (gradient,) = torch.autograd.grad(y, w, projection)
            results.append((y, gradient * a))
        torch.testing.assert_close(results[1], results[0], rtol=1e-6, atol=1e-6)


@few
@given(seeds, st.integers(2, 9), spaces)
def test_input_gradients_of_batch_norm_sum_to_zero(
    seed: int, n: int, space: tuple[int, ...]
) -> None:
    """Per channel, for any loss; and a loss that is the plain sum has no gradient at all."""
    for name in BATCH:
        x = draw(seed, n, space).requires_grad_()
        y = apply(name, x)
        (gradient,) = torch.autograd.grad(y, x, draw(seed + 1, n, space), retain_graph=True)
        sums = gradient.transpose(0, 1).flatten(1).sum(1)
        assert sums.abs().max() <= 1e-9 * max(1, gradient.abs().max().item())
        (of_sum,) = torch.autograd.grad(y.sum(), x)
        assert of_sum.abs().max() <= 1e-9 * max(1, gradient.abs().max().item())


@pytest.mark.parametrize("name", ["layer", "group", "instance", "rms"])
def test_norms_of_one_sample_ignore_the_others(name: str) -> None:
    x = draw(0, 5, (2, 3))
    torch.testing.assert_close(apply(name, x)[:1], apply(name, x[:1]))


@pytest.mark.parametrize("name", BATCH)
def test_batch_norms_in_eval_mode_ignore_the_others(name: str) -> None:
    x = draw(0, 5, (2, 3))
    norm = make_norm(name, C).double()
    norm(x)
    torch.testing.assert_close(norm.eval()(x)[:1], norm(x[:1]), rtol=0, atol=0)
