from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bnexp.models import build_model
from tests.models.configure import configure


def conv(inputs: int, units: int, *after: nn.Module) -> list[nn.Module]:
    return [nn.Conv2d(inputs, units, 3, padding=1), *after, nn.MaxPool2d(2)]


def norm_relu(units: int, dimensions: int = 2) -> tuple[nn.Module, nn.Module]:
    return (nn.BatchNorm2d if dimensions == 2 else nn.BatchNorm1d)(units), nn.ReLU()


def complete_example(*, bn: bool = True, after: bool = False) -> nn.Module:
    """Three conv blocks and a hidden linear layer, for images of 3x32x32."""

    def stage(units: int, dimensions: int = 2) -> tuple[nn.Module, ...]:
        norm, relu = norm_relu(units, dimensions)
        return ((relu, norm) if after else (norm, relu)) if bn else (relu,)

    return nn.Sequential(
        *conv(3, 64, *stage(64)),
        *conv(64, 128, *stage(128)),
        *conv(128, 256, *stage(256)),
        nn.Flatten(),
        nn.Linear(256 * 4 * 4, 512),
        *stage(512, 1),
        nn.Linear(512, 10),
    )


def two_blocks(channels: int) -> nn.Module:
    """For images of 28x28."""
    return nn.Sequential(
        *conv(channels, 64, *norm_relu(64)),
        *conv(64, 128, *norm_relu(128)),
        nn.Flatten(),
        nn.Linear(128 * 7 * 7, 10),
    )


def fully_connected() -> nn.Module:
    return nn.Sequential(
        nn.Linear(1000, 100),
        *norm_relu(100, 1),
        nn.Linear(100, 50),
        *norm_relu(50, 1),
        nn.Linear(50, 2),
    )


@pytest.mark.parametrize(
    ("preset", "shape", "classes", "reference", "parameters"),
    [
        ("cnn_bn", (3, 32, 32), 10, complete_example(), 2_475_530),
        ("cnn", (3, 32, 32), 10, complete_example(bn=False), 2_473_610),
        ("cnn_bn_after", (3, 32, 32), 10, complete_example(after=True), 2_475_530),
        ("convnet_28_bn", (1, 28, 28), 10, two_blocks(1), 137_610),
        ("convnet_28_bn", (3, 28, 28), 10, two_blocks(3), 138_762),
        ("mlp_1000_100_50_2", (1000,), 2, fully_connected(), 105_552),
    ],
)
def test_the_sources_nets(
    preset: str, shape: tuple[int, ...], classes: int, reference: nn.Module, parameters: int
) -> None:
    torch.manual_seed(0)
    net = build_model(configure(preset), shape, classes)
    assert sum(p.numel() for p in net.parameters()) == parameters
    pairs = zip(reference.state_dict(), net.state_dict().values(), strict=True)
    reference.load_state_dict(dict(pairs))
    x = torch.randn(4, *shape)
    for _ in range(2):
        torch.testing.assert_close(net(x), reference(x), rtol=1e-4, atol=1e-5)
    net.eval(), reference.eval()  # with the running statistics of two batches
    torch.testing.assert_close(net(x), reference(x), rtol=1e-4, atol=1e-5)


def sizes(preset: str, shape: tuple[int, ...] = (2, 6, 6), **keys: Any) -> list[list[int]]:
    net = build_model(configure(preset, **keys), shape, 3)
    return [list(p.shape) for name, p in net.named_parameters() if name.endswith("linear.weight")]


def test_depth_cuts_or_repeats_the_widths() -> None:
    assert sizes("mlp", widths=[5, 4]) == [[5, 72], [4, 5], [3, 4]]
    assert sizes("mlp", widths=[5, 4], depth=1) == [[5, 72], [3, 5]]
    assert sizes("mlp", widths=[5, 4], depth=4) == [[5, 72], [4, 5], [4, 4], [4, 4], [3, 4]]
    conv_sizes = sizes("cnn", widths=[5], depth=2, fc_widths=[4], kernel_size=5)
    assert conv_sizes == [[5, 2, 5, 5], [5, 5, 5, 5], [4, 5], [3, 4]]
    assert sizes("rnn", widths=[5], depth=2) == [[5, 12], [5, 5], [3, 5]]
    assert len(sizes("mlp_deep")) == 11


def test_a_side_of_one_is_not_pooled() -> None:
    heads = [
        sizes("cnn", shape, widths=[4], depth=depth, fc_widths=[])[-1][1]
        for shape, depth in [((1, 8, 8), 3), ((1, 8, 8), 6), ((1, 1, 8), 2), ((1, 7, 5), 1)]
    ]
    assert heads == [4, 4, 4 * 2, 4 * 3 * 2]


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("relu", lambda z: z.clamp(min=0)),
        ("tanh", torch.tanh),
        ("sigmoid", lambda z: 1 / (1 + torch.exp(-z))),
        ("gelu", lambda z: z * (1 + torch.erf(z / 2**0.5)) / 2),
        ("identity", lambda z: z),
    ],
)
@pytest.mark.parametrize("preset", ["mlp", "cnn", "rnn"])
def test_activations(preset: str, name: str, function: Any) -> None:
    net = build_model(configure(preset, activation=name, widths=[4]), (1, 8, 8), 3)
    z = torch.randn(100)
    activation = net.get_submodule("layers.0.activation")
    torch.testing.assert_close(activation(z), function(z))


@pytest.mark.parametrize("placement", ["before", "after"])
@pytest.mark.parametrize("preset", ["mlp_bn", "cnn_bn"])
def test_dropout_is_the_last_of_a_layer(preset: str, placement: str) -> None:
    torch.manual_seed(0)
    keys = {"widths": [8], "placement": placement, "activation": "identity"}
    net = build_model(configure(preset, dropout=0.25, **keys), (1, 8, 8), 3)
    layer = net.get_submodule("layers.0")
    layer.get_submodule("norm").eval()
    x = torch.randn(500, 64) if preset == "mlp_bn" else torch.randn(50, 1, 8, 8)
    dropped, whole = layer(x), layer.eval()(x)
    kept = dropped != 0
    torch.testing.assert_close(dropped, torch.where(kept, whole / 0.75, 0))
    assert kept.float().mean().item() == pytest.approx(0.75, abs=0.03)


@pytest.mark.parametrize("preset", ["mlp_bn", "cnn_bn", "rnn_bn"])
def test_norm_output_normalises_the_logits(preset: str) -> None:
    torch.manual_seed(0)
    model = configure(preset, norm_output=True)
    logits = build_model(model, (1, 8, 8), 3)(torch.randn(200, 1, 8, 8))
    torch.testing.assert_close(logits.mean(0), torch.zeros(3), rtol=0, atol=1e-5)
    torch.testing.assert_close(logits.std(0, correction=0), torch.ones(3), rtol=1e-2, atol=0)


def test_weight_norms_reach_the_output_layer_only_with_norm_output() -> None:
    for norm_output in (False, True):
        torch.manual_seed(0)
        model = configure("mlp", norm="spectral", norm_output=norm_output)
        net = build_model(model, (64,), 10)
        for _ in range(50):  # power iterations
            net(torch.zeros(1, 64))
        norms = [largest_singular_value(m) for m in net.modules() if isinstance(m, nn.Linear)]
        assert norms[:-1] == pytest.approx([1, 1, 1], rel=0.03)
        assert (norms[-1] == pytest.approx(1, rel=0.03)) is norm_output


def largest_singular_value(linear: nn.Linear) -> float:
    weight: Tensor = linear.weight
    return float(torch.linalg.matrix_norm(weight.detach(), 2))


def test_instance_norm_is_in_the_conv_blocks_alone() -> None:
    net = build_model(configure("cnn_in"), (1, 8, 8), 10)
    norms = [type(layer.norm).__name__ for layer in net.get_submodule("layers").children()]  # type: ignore[union-attr]
    assert norms == ["InstanceNorm"] * 3 + ["Identity"]
