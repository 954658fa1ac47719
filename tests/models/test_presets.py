import copy
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from bnexp.compose import presets
from bnexp.models import build_model
from bnexp.models.check import check_model
from bnexp.norms.catalogue import NORMS
from tests.models.configure import configure

OWN = ["mlp", "cnn_small", "rnn", "lstm", "transformer", "resnet"]
SPACE = ["cnn_small", "transformer", "resnet"]
RECURRENT = ["rnn", "lstm"]
NETS = [name for name in presets("model") if name != "module"]
WITH_NORMS = [
    (preset, norm)
    for preset in OWN
    for norm in NORMS
    if not check_model(configure(preset, norm=norm), (1, 8, 8), 10, 64, 64)
]


@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 28, 28), (3, 32, 32)])
@pytest.mark.parametrize("preset", NETS)
def test_every_preset_trains_on_every_kind_of_image(preset: str, shape: tuple[int, ...]) -> None:
    model = configure(preset)
    assert check_model(model, shape, 7, 64, 64) == []
    torch.manual_seed(0)
    net = build_model(model, shape, 7)
    assert net.training
    x = torch.randn(3, *shape)
    logits = net(x)
    assert logits.shape == (3, 7)
    F.cross_entropy(logits, torch.arange(3)).backward()
    gradients = [parameter.grad for parameter in net.parameters()]
    assert all(g is not None and g.isfinite().all() for g in gradients)
    assert gradients[0] is not None
    assert gradients[0].any()
    assert net.eval()(x[:1]).shape == (1, 7)


def test_every_norm_fits_where_it_belongs() -> None:
    elsewhere = [
        *((preset, "instance") for preset in OWN if preset not in SPACE),
        *((preset, "recurrent_batch") for preset in OWN if preset not in RECURRENT),
    ]
    assert {(p, n) for p in OWN for n in NORMS} - set(WITH_NORMS) == set(elsewhere)


@pytest.mark.parametrize(("preset", "norm"), WITH_NORMS)
def test_the_weights_of_a_seed_are_the_same_under_every_norm(preset: str, norm: str) -> None:
    def weights(**keys: Any) -> dict[str, torch.Tensor]:
        torch.manual_seed(3)
        net = build_model(configure(preset, init="he", **keys), (1, 8, 8), 10)
        state = net.state_dict()
        if norm == "weight":  # w = g v / |v|
            state |= {f"{p}.weight": m.weight for p, m in net.named_modules() if _linear(m)}
        return {k.replace("parametrizations.weight.original", "weight"): state[k] for k in state}

    plain = weights(norm="none")
    found = weights(norm=norm)
    for name in plain:
        torch.testing.assert_close(found[name], plain[name], rtol=1e-6, atol=1e-7)


def _linear(module: nn.Module) -> bool:
    return isinstance(module, nn.Linear | nn.Conv2d)


@pytest.mark.parametrize(("preset", "norm"), WITH_NORMS)
def test_trains_in_bfloat16_and_channels_last(preset: str, norm: str) -> None:
    torch.manual_seed(0)
    net = build_model(configure(preset, norm=norm), (1, 8, 8), 10)
    last = copy.deepcopy(net).to(memory_format=torch.channels_last)
    x = torch.randn(4, 1, 8, 8)
    torch.manual_seed(1)  # noisy batch norm draws
    expected = net(x)
    torch.manual_seed(1)
    found = last(x.to(memory_format=torch.channels_last))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    with torch.autocast("cpu", torch.bfloat16):
        logits = net(x)
    F.cross_entropy(logits.float(), torch.arange(4)).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())


@pytest.mark.parametrize(
    ("preset", "norm"), [(p, n) for p, n in WITH_NORMS if p in ("mlp", "cnn_small", "rnn", "lstm")]
)
def test_hidden_layers_have_the_names_that_probes_look_for(preset: str, norm: str) -> None:
    net = build_model(configure(preset, norm=norm), (1, 8, 8), 10)
    assert [name for name, _ in net.named_children()] == ["layers", "head"]
    for layer in net.get_submodule("layers").children():
        names = {name for name, _ in layer.named_children()}
        assert names >= {"linear", "norm", "activation", "dropout"}


@pytest.mark.slow
@pytest.mark.parametrize("norm", ["none", "batch", "layer", "spectral"])
@pytest.mark.parametrize("preset", OWN)
def test_compiled_nets_agree(preset: str, norm: str) -> None:
    torch._dynamo.reset()
    torch.manual_seed(0)
    net = build_model(configure(preset, norm=norm), (1, 8, 8), 10).eval()
    x = torch.randn(4, 1, 8, 8)
    compiled = torch.compile(net, backend="aot_eager")
    torch.testing.assert_close(compiled(x), net(x), rtol=1e-4, atol=1e-5)
