"""Every layer beside PyTorch's own: outputs, gradients, running statistics, state dicts.

Rounding is magnified without bound where two samples nearly agree. So in fp32 and bf16 a value
may be off the fp64 result of the same inputs by a small multiple of the precision, or by twice
what PyTorch's layer is off.
"""

import copy
import itertools
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bnexp.norms import make_norm

SPACES = [(), (3,), (3, 2), (2, 3, 2)]
BATCHES = [1, 2, 3, 4, 32]
DTYPES = [torch.float64, torch.float32, torch.bfloat16]
TOLERANCE = {torch.float64: 1e-10, torch.float32: 3e-6, torch.bfloat16: 8e-3}
BATCH_NORM = {0: nn.BatchNorm1d, 1: nn.BatchNorm1d, 2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
INSTANCE_NORM = {1: nn.InstanceNorm1d, 2: nn.InstanceNorm2d, 3: nn.InstanceNorm3d}
C = 6


def assert_close(ours: Tensor, theirs: Tensor, truth: Tensor) -> None:
    assert ours.dtype == theirs.dtype
    assert ours.shape == theirs.shape
    largest = truth.abs().max().clamp(min=1)
    allowed = TOLERANCE.get(theirs.dtype, 0) * largest + 2 * (theirs - truth).abs().max()
    assert (ours - truth).abs().max() <= allowed


def step(layer: nn.Module, x: Tensor, weights: Tensor) -> tuple[Tensor, ...]:
    """Return output, gradients and buffers; weights, as the gradient of a plain sum is zero."""
    x = x.clone().requires_grad_()
    y = layer(x)
    return y, *torch.autograd.grad(y, [x, *layer.parameters()], weights), *layer.buffers()


def assert_same_step(ours: nn.Module, theirs: nn.Module, x: Tensor) -> None:
    """Compare outputs, gradients with respect to x and the parameters, and buffers."""
    weights = torch.randn_like(x)
    truth = step(copy.deepcopy(theirs).double(), x.double(), weights.double())
    steps = zip(step(ours, x, weights), step(theirs, x, weights), truth, strict=True)
    for triple in steps:
        assert_close(*triple)


def randomise(layer: nn.Module) -> None:
    for parameter in layer.parameters():
        nn.init.normal_(parameter)


OPTIONS = [
    {},
    {"eps": 1e-3, "momentum": 0.5},
    {"eps": 0.1, "momentum": None},
    {"momentum": 1.0, "affine": False},
    {"momentum": 0.0},
    {"track_running_stats": False},
    {"affine": False, "track_running_stats": False},
]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("space", SPACES, ids=str)
@pytest.mark.parametrize(
    ("name", "extra"),
    [("batch", {}), ("batch_manual", {}), ("precise", {}), ("ghost", {"ghost_size": 32})],
)
def test_batch_norms(
    name: str, extra: dict[str, int], space: tuple[int, ...], dtype: torch.dtype
) -> None:
    torch.manual_seed(0)
    for n, options in itertools.product(BATCHES, OPTIONS):
        if n == 1 and not space:
            continue  # refused, see test_errors.py
        ours = make_norm(name, C, **options, **extra).to(dtype)
        theirs = BATCH_NORM[len(space)](C, **options).to(dtype)
        randomise(theirs)
        ours.load_state_dict(theirs.state_dict())
        for i in range(3):
            x = (torch.randn(n, C, *space) * (i + 1) + i).to(dtype)
            assert_same_step(ours, theirs, x)
        ours.load_state_dict(theirs.state_dict())  # whose running statistics are the truth now
        assert_same_step(ours.eval(), theirs.eval(), x)


@pytest.mark.parametrize("name", ["batch", "batch_manual", "precise", "ghost"])
@pytest.mark.parametrize("momentum", [0.1, None])
def test_running_statistics_after_many_steps(name: str, momentum: float | None) -> None:
    # EkdeepSLubana/BeyondBatchNorm started its mean at one and stored the biased variance
    torch.manual_seed(0)
    ours = make_norm(name, C, momentum=momentum).double()
    theirs = nn.BatchNorm1d(C, momentum=momentum).double()
    for _ in range(200):
        x = torch.randn(16, C, 3, dtype=torch.float64) * 3 + 2
        ours(x)
        theirs(x)
    for mine, reference in zip(ours.buffers(), theirs.buffers(), strict=True):
        torch.testing.assert_close(mine, reference, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("name", ["batch_manual", "ghost"])
def test_half_precision_input_with_full_precision_parameters(name: str, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    ours, theirs = make_norm(name, C), nn.BatchNorm2d(C)
    x = torch.randn(16, C, 4, 4).to(dtype)
    for mode in (True, False):
        assert_same_step(ours.train(mode), theirs.train(mode), x)


def layer_norm(x: Tensor, layer: nn.Module, eps: float, affine: bool) -> Tensor:
    y = F.layer_norm(x, x.shape[1:], eps=eps)
    column = (C, *(1,) * (x.ndim - 2))
    if affine:
        y = y * layer.get_parameter("weight").view(column)
        y = y + layer.get_parameter("bias").view(column)
    return y


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("space", SPACES, ids=str)
def test_norms_of_one_sample(space: tuple[int, ...], dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    for n, eps, affine in itertools.product(BATCHES, (1e-5, 0.1), (True, False)):
        x = (torch.randn(n, C, *space) * 2 + 1).to(dtype)
        pairs: list[tuple[nn.Module, nn.Module]] = [
            (
                make_norm("group", C, groups=g, eps=eps, affine=affine),
                nn.GroupNorm(g, C, eps, affine),
            )
            for g in (1, 2, 3)
        ]
        if not space:
            pairs.append(
                (make_norm("layer", C, eps=eps, affine=affine), nn.LayerNorm(C, eps, affine))
            )
            pairs.append((make_norm("rms", C, eps=eps, affine=affine), nn.RMSNorm(C, eps, affine)))
        else:
            reference = INSTANCE_NORM[len(space)]
            for track in (True, False):
                options = {"eps": eps, "affine": affine, "track_running_stats": track}
                pairs.append((make_norm("instance", C, **options), reference(C, **options)))
        for ours, theirs in pairs:
            randomise(theirs)
            ours.load_state_dict(theirs.state_dict())
            for _ in range(2):
                assert_same_step(ours.to(dtype), theirs.to(dtype), x)
            ours.load_state_dict(theirs.state_dict())  # whose running statistics are the truth now
            assert_same_step(ours.eval(), theirs.eval(), x)


@pytest.mark.parametrize("space", SPACES[1:], ids=str)
@pytest.mark.parametrize("affine", [True, False])
def test_layer_and_rms_norm_over_space(space: tuple[int, ...], affine: bool) -> None:
    """PyTorch has no such layer with a scale per channel: the function, then the scale."""
    torch.manual_seed(0)
    x = torch.randn(4, C, *space, dtype=torch.float64, requires_grad=True)
    layer, rms = (make_norm(name, C, affine=affine).double() for name in ("layer", "rms"))
    randomise(layer), randomise(rms)
    y_rms = F.rms_norm(x, x.shape[1:], eps=1e-5)
    if affine:
        y_rms = y_rms * rms.get_parameter("weight").view(C, *(1,) * len(space))
    weights = torch.randn_like(x)
    for norm, y in ((layer, layer_norm(x, layer, 1e-5, affine)), (rms, y_rms)):
        leaves = [x, *norm.parameters()]
        torch.testing.assert_close(norm(x), y)
        ours = torch.autograd.grad(norm(x), leaves, weights)
        theirs = torch.autograd.grad(y, leaves, weights)
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("space", SPACES, ids=str)
def test_renormalisation_during_warm_up_is_batch_norm(space: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    for n in BATCHES[1:]:
        ours = make_norm("batch_renorm", C, warmup_steps=3).double()
        theirs = BATCH_NORM[len(space)](C).double()
        randomise(theirs)
        ours.load_state_dict(theirs.state_dict(), strict=False)
        for _ in range(3):
            x = torch.randn(n, C, *space, dtype=torch.float64)
            weights = torch.randn_like(x)
            mine, reference = step(ours, x, weights), step(theirs, x, weights)
            torch.testing.assert_close(mine[:4], reference[:4])  # all but the buffers


NAMES = ["batch", "batch_manual", "batch_renorm", "ghost", "precise", "recurrent_batch", "layer",
         "group", "instance", "rms"]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_state_dict_round_trip(name: str, tmp_path: pytest.TempPathFactory) -> None:
    torch.manual_seed(0)
    make = partial(make_norm, name, 8)
    space = (4,) if name in ("instance", "group") else ()
    ours, other = make(), make()
    randomise(ours)
    for _ in range(3):
        ours(torch.randn(5, 8, *space))
    path = tmp_path / "weights.pt"  # type: ignore[operator]
    torch.save(ours.state_dict(), path)
    other.load_state_dict(torch.load(path, weights_only=True))
    for key, value in ours.state_dict().items():
        torch.testing.assert_close(other.state_dict()[key], value, rtol=0, atol=0)
    x = torch.randn(5, 8, *space)
    assert torch.equal(other.eval()(x), ours.eval()(x))


@pytest.mark.parametrize("name", ["batch", "batch_manual", "ghost", "precise"])
def test_state_dict_is_that_of_pytorch(name: str) -> None:
    for options in OPTIONS:
        reference = nn.BatchNorm2d(8, **options).state_dict()
        assert list(make_norm(name, 8, **options).state_dict()) == list(reference)
