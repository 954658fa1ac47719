from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from bnexp.errors import UserError
from bnexp.models import build_model
from bnexp.norms import is_batch_norm
from tests.models.configure import configure

MODULE = """
import torch
from torch import nn

class Net(nn.Sequential):
    def __init__(self, shape, num_classes, width=4):
        super().__init__(nn.Flatten(), nn.Linear(shape[0] * shape[1], width), nn.BatchNorm1d(width),
                         nn.Dropout(), nn.Linear(width, num_classes))
        self.shape = shape

def fixed(**kwargs):
    assert not kwargs
    return nn.Sequential(nn.Flatten(), nn.Linear(6, 5))

def broken():
    raise KeyError("oh")

class Noisy(nn.Module):
    def forward(self, x):
        return torch.randn(len(x), 5)

def two(shape):
    return lambda x: x

class Pair(nn.Module):
    def forward(self, x):
        return x, x
"""
SHAPE = (2, 3)


@pytest.fixture(autouse=True)
def _someones_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "someones.py").write_text(MODULE)
    (tmp_path / "faulty.py").write_text("1 +")
    monkeypatch.syspath_prepend(tmp_path)


def module(name: str, **keys: Any) -> Any:
    return build_model(configure("module", name=name, **keys), SHAPE, 5)


def test_a_class_gets_what_its_parameters_ask_for() -> None:
    net = module("someones.Net", kwargs={"width": 7})
    assert net.shape == SHAPE
    assert (net[1].out_features, net[-1].out_features) == (7, 5)
    assert net.training
    assert module("someones.fixed")(torch.zeros(3, 2, 3)).shape == (3, 5)
    assert module("someones.Net", kwargs={"shape": [6, 1]}).shape == [6, 1]


def test_its_norms_are_swapped() -> None:
    plain = module("someones.Net")
    assert is_batch_norm(plain[2])
    swapped = module("someones.Net", norm="layer", norm_options={"eps": 0.5})
    assert not any(map(is_batch_norm, swapped.modules()))
    assert swapped[2].eps == 0.5


@pytest.mark.parametrize(
    ("name", "keys", "line"),
    [
        ("nowhere.Net", {}, "model.name=nowhere.Net: cannot be imported: ModuleNotFoundError: No"),
        ("faulty.Net", {}, "model.name=faulty.Net: cannot be imported: SyntaxError"),
        ("someones.Nett", {}, "model.name=someones.Nett: cannot be imported: AttributeError"),
        ("someones.nn", {}, "model.name=someones.nn: cannot be imported: TypeError"),
        ("someones.two", {}, "model.name=someones.two: gives function, not an nn.Module"),
        ("someones.broken", {}, "model.name=someones.broken: cannot be built with {}: KeyError"),
        (
            "someones.Net",
            {"kwargs": {"depth": 3}},
            "model.name=someones.Net: cannot be built with {'num_classes': 5, 'shape': (2, 3), 'd",
        ),
        ("someones.Pair", {}, "model.name=someones.Pair: two samples give tuple, not logits"),
        ("torch.nn.Identity", {}, "model.name=torch.nn.Identity: two samples give [2, 2, 3], not"),
        (
            "someones.Net",
            {"kwargs": {"shape": [9, 9]}},
            "model.name=someones.Net: fails on samples of [2, 3]: RuntimeError",
        ),
        ("someones.Net", {"norm": "weight"}, "model.norm=weight: weight norm is no layer"),
        ("someones.fixed", {"norm": "layer"}, "model.norm=layer: Sequential has no normaliser"),
    ],
)
def test_what_does_not_work_is_one_line(name: str, keys: dict[str, Any], line: str) -> None:
    with pytest.raises(UserError) as error:
        module(name, **keys)
    [found] = error.value.lines
    assert found.startswith(line)
    assert "\n" not in found


def test_trying_it_out_draws_no_random_numbers() -> None:
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    module("someones.Noisy")
    assert torch.rand(1) == expected


def torchvision(name: str, shape: tuple[int, ...], **keys: Any) -> Any:
    torch.manual_seed(0)
    return build_model(configure("torchvision", name=name, **keys), shape, 5)


def test_a_torchvision_model_is_torchvisions() -> None:
    from torchvision.models import resnet18

    net = torchvision("resnet18", (3, 8, 8))
    torch.manual_seed(0)
    reference = resnet18(num_classes=5)
    x = torch.randn(2, 3, 8, 8)
    assert list(net.state_dict()) == list(reference.state_dict())
    torch.testing.assert_close(net(x), reference(x), rtol=0, atol=0)


def test_grey_images_are_repeated_for_it() -> None:
    grey, colour = torchvision("resnet18", (1, 8, 8)), torchvision("resnet18", (3, 8, 8))
    x = torch.randn(2, 1, 8, 8)
    torch.testing.assert_close(grey(x), colour(x.repeat(1, 3, 1, 1)), rtol=1e-4, atol=1e-5)


def test_its_norms_are_swapped_and_its_weights_stay() -> None:
    plain = torchvision("resnet18", (3, 8, 8))
    group = torchvision("resnet18", (3, 8, 8), norm="group", norm_options={"groups": 4})
    assert not any(map(is_batch_norm, group.modules()))
    assert sum(isinstance(m, nn.GroupNorm) for m in group.modules()) == 20
    torch.testing.assert_close(group.layer4[1].conv2.weight, plain.layer4[1].conv2.weight)


def test_groups_that_divide_one_layer_but_not_the_net_are_told_those_that_do() -> None:
    """https://github.com/Seunggu0305/VLCounter/issues/6."""
    options = {"groups": 96}
    with pytest.raises(UserError) as error:
        torchvision("densenet121", (3, 32, 32), norm="group", norm_options=options)
    one, of_all = error.value.lines
    assert one.startswith("model.norm=group: features.norm0: group norm: 96 groups do not divide")
    assert of_all == (
        "model.norm=group: the channels of all 121 normalisers are divided by 1, 2, 4, 8, 16, 32 "
        "groups"
    )


@pytest.mark.parametrize(
    ("name", "keys", "line"),
    [
        ("resnet19", {}, "model.name=resnet19: no torchvision classification model; near: resnet1"),
        ("raft_large", {}, "model.name=raft_large: no torchvision classification model; near: "),
        ("alexnet", {}, "model.name=alexnet: fails on samples of [3, 8, 8]: RuntimeError: Given"),
        ("resnet18", {"kwargs": {"x": 1}}, "model.name=resnet18: cannot be built with {'num_class"),
        ("alexnet", {"norm": "layer"}, "model.norm=layer: AlexNet has no normaliser"),
    ],
)
def test_what_torchvision_refuses_is_one_line(name: str, keys: dict[str, Any], line: str) -> None:
    with pytest.raises(UserError) as error:
        torchvision(name, (3, 8, 8), **keys)
    [found] = error.value.lines
    assert found.startswith(line)


@pytest.mark.slow
def test_nets_with_auxiliary_outputs_train_on_their_logits() -> None:
    net = torchvision("googlenet", (3, 32, 32))
    assert net(torch.randn(2, 3, 32, 32)).shape == (2, 5)
