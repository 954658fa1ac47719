from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bnexp.models import build_model
from tests.models.configure import configure


def built(preset: str = "resnet_bn", **keys: Any) -> Any:
    torch.manual_seed(0)
    return build_model(
        configure(preset, **({"widths": [4, 6]} | {"depth": 6} | keys)), (3, 8, 8), 5
    )


@torch.no_grad()
def copy(steps: Any, conv: nn.Conv2d, norm: nn.Module) -> None:
    """Torchvision's convolutions have no bias; give its norm a scale and a shift to tell."""
    steps.linear.bias.zero_()
    conv.weight.copy_(steps.linear.weight)
    nn.init.normal_(steps.norm.weight), nn.init.normal_(steps.norm.bias)
    norm.load_state_dict(steps.norm.state_dict())


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("which", [0, 1])
def test_a_block_is_torchvisions_basic_block(which: int, training: bool) -> None:
    from torchvision.models.resnet import BasicBlock

    block = built().layers[which].train(training)
    if which == 0:  # the identity
        reference = BasicBlock(4, 4)
    else:
        downsample = nn.Sequential(nn.Conv2d(4, 6, 1, 2, bias=False), nn.BatchNorm2d(6))
        reference = BasicBlock(4, 6, 2, downsample)
        copy(block.shortcut, *downsample)
    reference.train(training)
    copy(block.first, reference.conv1, reference.bn1)
    copy(block.second, reference.conv2, reference.bn2)
    x = torch.randn(7, 4, 8, 8, requires_grad=True)
    same = x.detach().clone().requires_grad_()
    found, expected = block(x), reference(same)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    direction = torch.randn_like(found)
    found.backward(direction), expected.backward(direction)
    torch.testing.assert_close(x.grad, same.grad, rtol=1e-4, atol=1e-4)
    for ours, conv, norm in [
        (block.first, reference.conv1, reference.bn1),
        (block.second, reference.conv2, reference.bn2),
    ]:
        for a, b in [(ours.linear, conv), (ours.norm, norm)]:
            torch.testing.assert_close(a.weight.grad, b.weight.grad, rtol=1e-3, atol=1e-3)


def normed(x: Tensor) -> Tensor:
    return F.batch_norm(x, None, None, training=True)


def conv(steps: Any, x: Tensor, stride: int = 1) -> Tensor:
    layer = steps.linear
    return F.conv2d(x, layer.weight, layer.bias, stride, layer.padding)


@pytest.mark.parametrize("residual", [True, False])
def test_the_norm_after_the_activation(residual: bool) -> None:
    block = built(placement="after", residual=residual).layers[1]
    x = torch.randn(5, 4, 8, 8)
    y = normed(F.relu(conv(block.first, x, 2)))
    y = normed(F.relu(conv(block.second, y)))
    expected = y + conv(block.shortcut, x, 2) if residual else y
    torch.testing.assert_close(block(x), expected, rtol=1e-4, atol=1e-5)


def test_pre_activation() -> None:
    net = built(placement="pre")
    x = torch.randn(5, 3, 8, 8)
    y = conv(net.stem, x)
    for block, stride in zip(net.layers, (1, 2), strict=True):
        z = conv(block.first, F.relu(normed(y)), stride)
        z = conv(block.second, F.relu(normed(z)))
        y = z + (conv(block.shortcut, y, 2) if stride == 2 else y)
    expected = net.head(F.relu(normed(y)).mean((2, 3)))
    torch.testing.assert_close(net(x), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("depth", "blocks"), [(8, 3), (20, 9), (56, 27)])
def test_depth_counts_convolutions_and_the_output(depth: int, blocks: int) -> None:
    net = build_model(configure("resnet_bn", depth=depth), (3, 32, 32), 10)
    convs = [m for m in net.modules() if isinstance(m, nn.Conv2d) and m.kernel_size == (3, 3)]
    assert len(convs) + 1 == depth
    assert len(net.get_submodule("layers")) == blocks  # type: ignore[arg-type]


def test_a_plain_net_has_the_same_weights_without_the_shortcuts() -> None:
    residual, plain = built("resnet").state_dict(), built("resnet", residual=False).state_dict()
    assert not any("shortcut" in name for name in plain)
    assert {name for name in residual if "shortcut" not in name} == set(plain)
    for name in plain:
        torch.testing.assert_close(plain[name], residual[name], rtol=0, atol=0)


def test_sides_are_halved_from_stage_to_stage() -> None:
    net = built("resnet", widths=[4, 4, 4], depth=8)
    sides: list[tuple[int, ...]] = []
    for block in net.layers:
        block.register_forward_hook(lambda m, args, y: sides.append(tuple(y.shape[2:])))
    net(torch.randn(2, 3, 7, 5))
    assert sides == [(7, 5), (4, 3), (2, 2)]
