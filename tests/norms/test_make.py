"""A normaliser by name, class, import path or partial; and the catalogue of names."""

import inspect
import subprocess
import sys
from functools import partial

import pytest
import torch
from torch import Tensor, nn

from bnexp.errors import UserError
from bnexp.norms import attach_norm, is_batch_norm, make_norm
from bnexp.norms.catalogue import NORMS
from bnexp.norms.make import layer_of

LAYERS = [name for name, info in NORMS.items() if not info.on_weights]


class OwnNorm(nn.Module):
    """A user's own: scales by the largest value of the batch."""

    batch_statistics = True

    def __init__(self, channels: int, floor: float = 1.0) -> None:
        super().__init__()
        self.channels, self.floor = channels, floor

    def forward(self, x: Tensor) -> Tensor:
        return x / x.abs().max().clamp(min=self.floor)


@pytest.mark.parametrize("space", [(), (3,), (3, 2), (2, 3, 2)], ids=str)
@pytest.mark.parametrize("name", LAYERS)
def test_every_name_by_default_in_every_dimension(name: str, space: tuple[int, ...]) -> None:
    info = NORMS[name]
    if (info.needs_space and not space) or (info.recurrent_only and space):
        return
    x = torch.randn(4, 16, *space)
    y = make_norm(name, 16)(x)
    assert y.shape == x.shape
    assert torch.equal(y, x) == (name == "none")


@pytest.mark.parametrize("name", LAYERS)
def test_the_catalogue_knows_each_constructor(name: str) -> None:
    """The same options with the same defaults, so that a config is what a layer gets."""
    if name == "none":
        assert not NORMS[name].options.model_fields
        return
    parameters = inspect.signature(layer_of(name)).parameters
    ours = {k: field.default for k, field in NORMS[name].options.model_fields.items()}
    theirs = {k: parameters[k].default for k in ours}
    assert ours == theirs
    assert next(iter(parameters)) in ("channels", "num_features")
    extra = parameters.keys() - ours.keys() - {"channels", "num_features"}
    assert extra <= {"device", "dtype", "bias"}  # of PyTorch's own constructor


@pytest.mark.parametrize("name", NORMS)
def test_every_option_reaches_the_layer(name: str) -> None:
    other = {
        "eps": 0.01, "affine": False, "momentum": 0.3, "track_running_stats": False, "groups": 2,
        "ghost_size": 4, "samples": 77, "r_max": 2.0, "d_max": 1.5, "warmup_steps": 3,
        "ramp_steps": 9, "gamma": 0.5, "power_iterations": 4, "shift": 0.2, "scale": 1.5,
        "spread": 0.3, "alpha": 0.7, "initial_scale": 3.0, "initial_shift": -1.0,
    }  # fmt: skip
    options = {k: other[k] for k in NORMS[name].options.model_fields}
    layer, norm = attach_norm(nn.Linear(4, 4), name, 4, **options)
    if name == "spectral":
        norm = layer.parametrizations.weight[0]
    names = {"groups": "num_groups", "power_iterations": "n_power_iterations"}
    for key, value in options.items():
        if key == "affine":
            assert getattr(norm, "weight", None) is None
            assert getattr(norm, "bias", None) is None
        elif key == "gamma":
            scale = make_norm(name, 4, gamma=value).weight
            assert torch.equal(scale, torch.full((4,), value))
        elif key == "track_running_stats" and name == "instance":
            assert make_norm(name, 4).running_mean is None
            assert make_norm(name, 4, track_running_stats=True).running_mean is not None
        else:
            found = getattr(norm, names.get(key, key))
            assert (found.item() if key == "alpha" else found) == pytest.approx(value)


def test_batch_statistics_are_declared() -> None:
    for name in LAYERS:
        assert is_batch_norm(make_norm(name, 8)) == NORMS[name].batch_statistics
    assert is_batch_norm(nn.SyncBatchNorm(8))
    assert is_batch_norm(OwnNorm(8))
    assert not is_batch_norm(nn.Linear(8, 8))


@pytest.mark.parametrize("name", LAYERS)
def test_batch_statistics_are_as_declared(name: str) -> None:
    """Training mode depends on the other samples exactly where the catalogue says so."""
    norm = make_norm(name, 8)
    x = torch.randn(4, 8, *(() if NORMS[name].recurrent_only else (2,)))
    other = torch.cat([x[:2], torch.randn_like(x[2:])])
    results = []
    for batch in (x, other):
        torch.manual_seed(0)
        results.append(norm(batch)[:2])
    assert torch.allclose(*results) != NORMS[name].batch_statistics


def test_by_class_partial_and_import_path() -> None:
    assert isinstance(make_norm(nn.BatchNorm2d, 8), nn.BatchNorm2d)
    assert make_norm(partial(nn.GroupNorm, 4), 8).num_groups == 4
    assert make_norm("torch.nn.SyncBatchNorm", 8, momentum=0.3).momentum == 0.3
    own = make_norm(f"{__name__}.OwnNorm", 8, floor=2.0)
    assert (own.channels, own.floor) == (8, 2.0)
    assert make_norm(OwnNorm, 8).floor == 1.0


@pytest.mark.parametrize("name", ["weight", "spectral"])
def test_weight_parametrisations(name: str) -> None:
    for layer in (nn.Linear(4, 8), nn.Conv1d(4, 8, 3), nn.Conv2d(4, 8, 3), nn.Conv3d(4, 8, 3)):
        bias = layer.bias
        attached, after = attach_norm(layer, name, 8)
        assert attached is layer
        assert isinstance(after, nn.Identity)
        assert attached.bias is bias
        assert nn.utils.parametrize.is_parametrized(attached, "weight")


def test_attaching_a_layer() -> None:
    linear = nn.Linear(4, 8)
    layer, norm = attach_norm(linear, "group", 8, groups=2)
    assert layer is linear
    assert norm.num_groups == 2


@pytest.mark.parametrize(
    ("norm", "options", "message"),
    [
        ("bach", {}, "no normaliser 'bach'; known are none, batch,"),
        ("no.such.Norm", {}, "'no.such.Norm' cannot be imported: No module named 'no'"),
        ("torch.nn.NoNorm", {}, "'torch.nn.NoNorm' cannot be imported: .*no attribute 'NoNorm'"),
        (
            "batch",
            {"groups": 2},
            "norm batch has no option groups; its options: eps, affine, momentum",
        ),
        ("batch", {"eps": -1.0}, r"norm batch: eps=-1\.0: Input should be greater than 0"),
        ("batch", {"affine": "no"}, "norm batch: affine='no': Input should be a valid boolean"),
        ("none", {"eps": 0.1}, "norm none has no option eps; its options: none"),
        ("group", {}, "8 groups do not divide 6 channels; groups can be 1, 2, 3, 6"),
        ("weight", {}, "weight norm acts on the weights"),
        ("spectral", {}, "spectral norm acts on the weights"),
        (f"{__name__}.OwnNorm", {"roof": 1}, "OwnNorm: .*unexpected keyword argument 'roof'"),
    ],
)
def test_errors(norm: str, options: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        make_norm(norm, 6, **options)


def test_the_catalogue_imports_no_torch() -> None:
    code = "import sys, bnexp.norms.catalogue; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=sys.path[0] or None).returncode == 0


def test_gamma_and_beta_start_where_they_are_told_to() -> None:
    for name in ("batch", "batch_manual"):
        layer = make_norm(name, 3, initial_scale=3.0, initial_shift=-1.0)
        x = torch.randn(16, 3, generator=torch.Generator().manual_seed(0))
        y = layer(x)
        assert y.mean(0).tolist() == pytest.approx([-1.0] * 3, abs=1e-5)
        assert y.std(0, unbiased=False).tolist() == pytest.approx([3.0] * 3, rel=1e-4)
        assert layer.running_mean.abs().max() > 0
