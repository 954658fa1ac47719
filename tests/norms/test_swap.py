"""Other normalisers in the place of those that a model came with."""

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations

from bnexp.errors import UserError
from bnexp.norms import BatchNorm, GroupNorm, make_norm, swap_norms
from bnexp.norms.catalogue import NORMS
from bnexp.norms.make import layer_of
from bnexp.schema import with_defaults

LAYERS = [n for n, i in NORMS.items() if not i.on_weights and not i.recurrent_only]
COUNTS = {
    "resnet18": 20,
    "mobilenet_v2": 52,
    "mobilenet_v3_small": 34,
    "densenet121": 121,
    "vgg11_bn": 8,
}


def build(name: str) -> nn.Module:
    import torchvision

    torch.manual_seed(0)
    model = torchvision.models.get_model(name, weights=None, num_classes=5)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight)
            nn.init.normal_(module.bias)
    return model


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("name", COUNTS)
def test_torchvision_models(name: str) -> None:
    model = build(name)
    before = {k: v.clone() for k, v in model.named_parameters()}
    report = swap_norms(model, "group")
    assert len(report) == COUNTS[name]
    assert not any(isinstance(m, nn.modules.batchnorm._BatchNorm) for m in model.modules())
    assert {k: v.shape for k, v in before.items()} == {
        k: v.shape for k, v in model.named_parameters()
    }
    torch.testing.assert_close(dict(model.named_parameters()), before, rtol=0, atol=0)
    for swap in report:
        assert isinstance(model.get_submodule(swap.path), GroupNorm)
        assert swap.kept == ("weight", "bias")
    model.eval()
    x = torch.randn(2, 3, 64, 64)
    y = model(x)
    assert y.shape == (2, 5)
    torch.testing.assert_close(y[:1], model(x[:1]), rtol=1e-3, atol=1e-3)
    y.sum().backward()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_batch_norm_for_batch_norm_changes_no_output() -> None:
    model, x = build("resnet18"), torch.randn(4, 3, 32, 32)
    model(x)
    model.eval()
    expected = model(x)
    for name in ("batch_manual", "ghost", "precise", "batch"):
        report = swap_norms(model, name)
        assert {swap.kept for swap in report} == {
            ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
        }
        assert not any(module.training for module in model.modules())
        torch.testing.assert_close(model(x), expected, rtol=1e-4, atol=1e-4)


def net(*norms: nn.Module) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(3, 8, 3), *norms, nn.ReLU())


@pytest.mark.parametrize("name", LAYERS)
def test_every_layer_stands_in(name: str) -> None:
    model = net(nn.BatchNorm2d(8), nn.GroupNorm(2, 8), nn.InstanceNorm2d(8), make_norm("rms", 8))
    report = swap_norms(model, name)
    assert [swap.path for swap in report] == ["1", "2", "3", "4"]
    assert {type(model[i]) for i in range(1, 5)} == {layer_of(name)}
    model(torch.randn(2, 3, 6, 6)).sum().backward()


def test_the_report_says_what_was_kept() -> None:
    model = net(nn.BatchNorm2d(8), nn.BatchNorm2d(8, affine=False))
    first, second = swap_norms(model, "rms")
    assert str(first).startswith("1: BatchNorm2d(8, eps=1e-05")
    assert str(first).endswith("-> RMSNorm(8, eps=1e-05, affine=True), kept weight")
    assert str(second).endswith("kept nothing")
    assert [swap.kept for swap in swap_norms(model, "none")] == [(), ()]


def test_options_classes_modes_dtypes_and_frozen_parameters() -> None:
    model = net(nn.BatchNorm2d(8)).double().eval()
    model[1].weight.requires_grad_(False)
    swap_norms(model, "group", groups=4, eps=0.1)
    assert (model[1].num_groups, model[1].eps, model[1].training) == (4, 0.1, False)
    assert model[1].weight.dtype == torch.float64
    assert [p.requires_grad for p in model[1].parameters()] == [False, True]
    swap_norms(model, nn.InstanceNorm2d, affine=True)
    assert isinstance(model[1], nn.InstanceNorm2d)


def options_of(norm: nn.Module, *names: str) -> list[object]:
    return [getattr(norm, name) for name in names]


def test_a_norm_of_the_same_kind_keeps_its_options_unless_they_are_typed() -> None:
    batch = nn.BatchNorm2d(8, eps=1e-3, momentum=0.0003, affine=False)
    names = ("eps", "momentum", "affine", "track_running_stats")
    for name in ("batch", "batch_manual", "ghost", "precise"):
        model = net(batch)
        swap_norms(model, name)
        assert options_of(model[1], *names) == [1e-3, 0.0003, False, True]
        model = net(batch)
        swap_norms(model, name, momentum=0.5)
        assert options_of(model[1], *names) == [1e-3, 0.5, False, True]
    model = net(nn.InstanceNorm2d(8, momentum=0.7, track_running_stats=True))
    swap_norms(model, "instance")
    assert options_of(model[1], *names) == [1e-5, 0.7, False, True]
    model = net(nn.GroupNorm(2, 8, eps=1e-3))
    swap_norms(model, "group")
    assert options_of(model[1], "num_groups", "eps", "affine") == [2, 1e-3, True]
    model = net(nn.BatchNorm2d(8, momentum=None))
    swap_norms(model, "batch")
    assert model[1].momentum is None


def test_a_norm_of_another_kind_has_its_own_options() -> None:
    for old, name in [
        (nn.BatchNorm2d(8, momentum=0.5, eps=1e-3), "batch_renorm"),
        (nn.BatchNorm2d(8, eps=1e-3), "group"),
        (make_norm("layer", 8, eps=1e-3), "group"),
        (nn.GroupNorm(1, 8, eps=1e-3), "layer"),
    ]:
        model = net(old)
        swap_norms(model, name)
        assert repr(model[1]) == repr(make_norm(name, 8))


def test_mnasnet_keeps_its_slow_momentum() -> None:
    """Also through a configuration, whose other defaults are written out."""
    import torchvision

    tree = {"kind": "torchvision", "norm": "batch", "norm_options": {"eps": 1e-3}}
    completed, problems = with_defaults({"model": tree})
    assert not problems
    model = torchvision.models.mnasnet0_5()
    swap_norms(model, "batch", **completed["model"]["norm_options"])
    found = {
        (m.eps, m.momentum) for m in model.modules() if isinstance(m, nn.BatchNorm2d | BatchNorm)
    }
    assert found == {(1e-3, 1 - 0.9997)}


def test_a_shared_normaliser_stays_shared() -> None:
    shared = nn.BatchNorm2d(8)
    model = net(shared, nn.ReLU(), shared)
    report = swap_norms(model, "group")
    assert [swap.path for swap in report] == ["1", "3"]
    assert model[1] is model[3]


class OwnBatchNorm2d(nn.BatchNorm2d):
    """As those of timm, which hold an activation too."""


REFUSED = {
    "layer norm": (net(nn.LayerNorm(6)), "1: torch.nn.modules.normalization.LayerNorm"),
    "RMS norm": (net(nn.RMSNorm(6)), "1: .*RMSNorm"),
    "response norm": (net(nn.LocalResponseNorm(2)), "1: .*LocalResponseNorm"),
    "a subclass": (net(OwnBatchNorm2d(8)), "1: .*OwnBatchNorm2d"),
    "weight norm": (
        nn.Sequential(parametrizations.weight_norm(nn.Linear(3, 3))),
        r"0\.parametrizations\.weight\.0: .*_WeightNorm",
    ),
    "the model itself": (nn.BatchNorm2d(8), "the model itself: .*BatchNorm2d"),
    "deep inside": (
        nn.Sequential(net(nn.BatchNorm2d(8)), net(nn.LayerNorm(6))),
        r"1\.1: .*LayerNorm cannot be replaced",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_replaced_faithfully_is_refused(case: str) -> None:
    model, message = REFUSED[case]
    before = list(model.modules())
    with pytest.raises(UserError, match=message):
        swap_norms(model, "group")
    assert list(model.modules()) == before  # nothing is half done


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("convnext_tiny", "features.0.1: torchvision.models.convnext.LayerNorm2d"),
        ("vit_b_16", "encoder.layers.encoder_layer_0.ln_1: .*LayerNorm"),
        ("vgg11", "VGG has no normaliser"),
    ],
)
def test_torchvision_models_that_are_refused(name: str, path: str) -> None:
    import torchvision

    with torch.device("meta"):
        model = torchvision.models.get_model(name, weights=None)
    with pytest.raises(UserError, match=path):
        swap_norms(model, "group")


def test_misfits_are_named() -> None:
    with pytest.raises(UserError, match="1: group norm: 3 groups do not divide 8 channels"):
        swap_norms(net(nn.BatchNorm2d(8)), "group", groups=3)
    for name in ("weight", "spectral", "recurrent_batch"):
        with pytest.raises(UserError, match=f"{name} norm is no layer that could replace"):
            swap_norms(net(nn.BatchNorm2d(8)), name)
