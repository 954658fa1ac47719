"""The layers inside what PyTorch users do with layers, and the errors they meet."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from bnexp.norms import make_norm

BATCH = ["batch", "batch_manual", "batch_renorm", "ghost", "precise", "mean_only", "noisy_batch"]
NAMES = [*BATCH, "layer", "group", "instance", "rms", "dyt"]
QUIET = [name for name in NAMES if name != "noisy_batch"]  # compiled, it draws other numbers
OWN = ["batch_manual", "batch_renorm", "ghost", "rms", "mean_only", "dyt"]
SINGLE = (
    r"Expected more than 1 value per channel when training, got input size torch.Size\(\[1, 8\]\)"
)


def step(layer: nn.Module, x: Tensor) -> list[Tensor]:
    x = x.detach().requires_grad_()
    torch.manual_seed(2)
    y = layer(x)
    torch.manual_seed(1)
    weights = torch.empty_like(y).copy_(torch.randn(y.shape))  # in the memory format of y
    gradients = torch.autograd.grad(y, [x, *layer.parameters()], weights)
    return [y, *gradients]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("spread", [1e-3, 1.0, 1e3])
def test_autocast(name: str, spread: float) -> None:
    """Statistics in fp32 from bf16 values, finite. constantinpape/torch-em#510 met NaN."""
    torch.manual_seed(0)
    layer = make_norm(name, 8)
    net = nn.Sequential(nn.Conv2d(3, 8, 3), layer)
    x = torch.randn(4, 3, 6, 6) * spread + 10 * spread
    with torch.autocast("cpu", torch.bfloat16):
        z = net[0](x)
        assert z.dtype == torch.bfloat16
        y = layer(z)
        y.float().square().mean().backward()
    assert all(p.grad.isfinite().all() for p in net.parameters())
    if name not in OWN:
        assert y.isfinite().all()
        return
    assert y.dtype == torch.bfloat16
    exact = make_norm(name, 8)(z.detach().float())
    assert (y - exact).abs().max() <= exact.abs().max() * 2**-8  # one rounding to bf16
    for buffer in layer.buffers():
        assert buffer.dtype in (torch.float32, torch.int64)


@pytest.mark.parametrize("name", OWN)
def test_fp16_overflows_nowhere_inside(name: str) -> None:
    """Squares of 1,000 are beyond fp16; statistics are not kept in it."""
    x = (torch.randn(16, 8, 4, 4) * 1000).half()
    y, *gradients = step(make_norm(name, 8), x)
    assert y.dtype == torch.float16
    exact = make_norm(name, 8)(x.float())
    assert (y - exact).abs().max() < 0.01 + exact.abs().max() * 2**-11
    assert all(gradient.isfinite().all() for gradient in gradients)


@pytest.mark.parametrize("name", NAMES)
def test_channels_last(name: str) -> None:
    x = torch.randn(4, 8, 6, 5, dtype=torch.float64)
    layer = make_norm(name, 8).double()
    expected = step(layer, x)
    results = step(layer, x.to(memory_format=torch.channels_last))
    torch.testing.assert_close(results, expected)
    if name != "instance":  # PyTorch's kernel returns the contiguous format
        assert results[0].is_contiguous(memory_format=torch.channels_last)
    if name in OWN:
        assert results[1].is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("name", OWN)
def test_strided_inputs(name: str) -> None:
    x = torch.randn(6, 5, 8, 4, dtype=torch.float64).transpose(1, 2)[::2, :, 1:]
    layer = make_norm(name, 8).double()
    torch.testing.assert_close(step(layer, x), step(layer, x.contiguous()))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("train", [True, False])
def test_functional_call(name: str, train: bool) -> None:
    """With other parameters and buffers, and without touching the layer's own."""
    torch.manual_seed(0)
    layer, other = make_norm(name, 8).train(train), make_norm(name, 8).train(train)
    x = torch.randn(4, 8, 3)
    other(x + 1)
    for parameter in other.parameters():
        nn.init.normal_(parameter)
    before = {k: v.clone() for k, v in layer.state_dict().items()}
    state = {k: v.clone() for k, v in other.state_dict().items()}
    torch.manual_seed(1)
    y = torch.func.functional_call(layer, state, x)
    torch.manual_seed(1)
    torch.testing.assert_close(y, other(x))
    torch.testing.assert_close(layer.state_dict(), before, rtol=0, atol=0)
    torch.testing.assert_close(state, dict(other.state_dict()))  # statistics went on in there


@pytest.mark.slow
@pytest.mark.parametrize("name", QUIET)
def test_compile(name: str) -> None:
    torch.manual_seed(0)
    torch.compiler.reset()
    x = torch.randn(4, 8, 3, 3)
    for train in (True, False):
        plain, compiled = make_norm(name, 8), make_norm(name, 8)
        compiled.load_state_dict(plain.state_dict())
        run = torch.compile(compiled.train(train))
        for i in range(2):
            torch.testing.assert_close(step(run, x + i), step(plain.train(train), x + i))
        torch.testing.assert_close(list(compiled.buffers()), list(plain.buffers()))


@pytest.mark.ci
def test_compile_one() -> None:
    """Traced whole, without a graph break."""
    torch.compiler.reset()
    layer, x = make_norm("batch_manual", 8), torch.randn(4, 8)
    compiled = torch.compile(layer, backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(step(compiled, x), step(make_norm("batch_manual", 8), x))


@pytest.mark.parametrize("name", NAMES)
def test_save_and_load(name: str, tmp_path: Path) -> None:
    net = nn.Sequential(nn.Conv2d(3, 8, 3), make_norm(name, 8))
    x = torch.randn(4, 3, 6, 6)
    net(x)
    torch.save(net.state_dict(), tmp_path / "weights.pt")
    again = nn.Sequential(nn.Conv2d(3, 8, 3), make_norm(name, 8))
    again.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))
    assert torch.equal(net.eval()(x), again.eval()(x))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("train", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("name", ["batch", "batch_manual", "batch_renorm", "ghost", "rms"])
def test_nothing_is_kept_that_the_formula_does_not_need(
    name: str, train: bool, dtype: torch.dtype
) -> None:
    """The backward pass needs x, in its own precision, and some vectors of one channel each."""
    x = torch.randn(32, 8, 8, 8).to(dtype).requires_grad_()
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    layer = make_norm(name, 8).train(train)
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        y = layer(x)
    vectors = sum(kept.values()) - x.untyped_storage().nbytes()
    statistics = 32 if name == "rms" else 16 if name == "ghost" else 8
    assert 0 <= vectors <= 8 * 4 * statistics
    assert x.untyped_storage().data_ptr() in kept
    y.sum().backward()


# ----------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize("name", [*BATCH, "recurrent_batch"])
def test_one_value_per_channel_is_refused_alike(name: str) -> None:
    """pytorch/pytorch#4534: a remainder batch of one sample."""
    norm = make_norm(name, 8)
    with pytest.raises(ValueError, match=SINGLE):
        norm(torch.randn(1, 8))
    assert norm.eval()(torch.randn(1, 8)).isfinite().all()


def test_ghosts_of_one_sample_are_refused() -> None:
    with pytest.raises(ValueError, match=SINGLE):
        make_norm("ghost", 8, ghost_size=1)(torch.randn(4, 8))
    assert make_norm("ghost", 8, ghost_size=1)(torch.randn(4, 8, 2)).isfinite().all()
    assert make_norm("ghost", 8, ghost_size=4)(torch.randn(9, 8)).isfinite().all()  # 3, 3, 3


def test_without_running_statistics_evaluation_needs_a_batch_too() -> None:
    for name in ("batch", "batch_manual", "ghost", "precise", "mean_only", "noisy_batch"):
        norm = make_norm(name, 8, track_running_stats=False).eval()
        with pytest.raises(ValueError, match=SINGLE):
            norm(torch.randn(1, 8))


def test_instance_norm_without_space_is_refused() -> None:
    """PyTorch takes (N, C) for (C, L), warns at most, and normalises over the channels."""
    norm = make_norm("instance", 8)
    for mode in (True, False):
        with pytest.raises(ValueError, match="spatial dimensions for instance norm"):
            norm.train(mode)(torch.randn(4, 8))
    with pytest.raises(ValueError, match="more than 1 spatial element"):
        norm.train()(torch.randn(4, 8, 1, 1))


def test_groups_of_one_value_are_refused() -> None:
    """PyTorch refuses them for one sample only and returns zeros for more."""
    for n in (1, 4):
        with pytest.raises(ValueError, match=r"more than 1 value per group, got input size \["):
            make_norm("group", 8, groups=8)(torch.randn(n, 8))
    assert make_norm("group", 8, groups=8)(torch.randn(2, 8, 2)).abs().max() > 0


@pytest.mark.parametrize("name", [*BATCH, "instance", "rms", "dyt", "recurrent_batch"])
def test_wrong_shapes_are_refused(name: str) -> None:
    norm = make_norm(name, 8)
    with pytest.raises(ValueError, match=r"expected 8 channels, got input size \[4, 7\]"):
        norm(torch.randn(4, 7))
    for shape in [(8,), (2, 8, 2, 2, 2, 2)]:
        with pytest.raises(ValueError, match=f"0 to 3 spatial dimensions, got a {len(shape)}D"):
            norm(torch.randn(shape))
