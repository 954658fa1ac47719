"""Heads, gates, and attention inside a fused kernel."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bnexp.models import build_model
from tests.models.configure import configure
from tests.probes.measure import record

Rows = dict[tuple[str, str], float]


def measured(net: nn.Module, x: Tensor, **wanted: bool) -> tuple[Any, Rows]:
    y = torch.arange(len(x)) % 5
    tables = record(net, x, y, F.cross_entropy, **wanted).rows()
    return tables, {(layer, name): value for layer, name, value in tables["measures"]}


def built(preset: str, shape: tuple[int, ...] = (1, 8, 8), **keys: Any) -> Any:
    torch.manual_seed(0)
    return build_model(configure(preset, **keys), shape, 5)


def gradients(net: nn.Module, x: Tensor) -> None:
    F.cross_entropy(net(x), torch.arange(len(x)) % 5).backward()


def test_heads_have_their_own_gradients() -> None:
    net, x = built("transformer", width=12, heads=3), torch.randn(6, 1, 8, 8)
    tables, found = measured(net, x, gradients=True)
    gradients(net, x)
    query = net.layers[0].attention.query
    for head in range(3):
        name = f"layers.0.attention.query.head{head + 1}"
        part = query.weight.grad[4 * head : 4 * head + 4].double()
        assert found[name, "weight_gradient_norm"] == pytest.approx(part.norm().item(), rel=1e-5)
    whole = {row[0]: row for row in tables["gradients"]}["layers.0.attention.query"]
    for column, name in [(2, "weight_gradient_norm"), (4, "activation_gradient_norm")]:
        parts = [found[f"layers.0.attention.query.head{n}", name] for n in (1, 2, 3)]
        assert sum(p**2 for p in parts) ** 0.5 == pytest.approx(whole[column], rel=1e-5)


def test_gates_have_their_own_statistics() -> None:
    net, x = built("lstm", widths=[6]), torch.randn(6, 1, 8, 8)
    _, found = measured(net, x, gradients=True, activations=True)
    seen: list[Tensor] = []
    net.layers[0].activation.register_forward_hook(lambda m, args, y: seen.append(y))
    gradients(net, x)
    values = torch.stack(seen).detach()
    for n, gate in enumerate(("input", "forget", "cell", "output")):
        name, part = f"layers.0.recurrent.{gate}_gate", values[..., 6 * n : 6 * n + 6]
        assert found[name, "activation_mean"] == pytest.approx(part.mean().item(), abs=1e-6)
        low = -0.99 if gate == "cell" else 0.01
        share = ((part < low) | (part > 0.99)).float().mean().item()
        assert found[name, "saturated_fraction"] == pytest.approx(share)
        weight = net.layers[0].linear.weight.grad[6 * n : 6 * n + 6]
        measure = found[f"layers.0.{gate}_gate", "weight_gradient_norm"]
        assert measure == pytest.approx(weight.norm().item(), rel=1e-4)


def test_attention_in_a_fused_kernel_is_seen() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
            self.rnn = nn.LSTM(8, 4, batch_first=True)
            self.head = nn.Linear(4, 5)

        def forward(self, x: Tensor) -> Tensor:
            x, _ = self.attention(x, x, x, need_weights=False)
            return self.head(self.rnn(x)[0][:, -1])

    torch.manual_seed(0)
    net, x = Net(), torch.randn(6, 3, 8)
    tables, found = measured(net, x, gradients=True, activations=True)
    gradients(net, x)
    rows = {row[0]: row for row in tables["gradients"]}
    attention = net.attention
    assert list(rows) == [
        "attention.in_proj", "attention.out_proj", "rnn.weight_ih_l0", "rnn.weight_hh_l0", "head"
    ]  # fmt: skip
    for name, weight in [
        ("attention.in_proj", attention.in_proj_weight),
        ("attention.out_proj", attention.out_proj.weight),
        ("rnn.weight_ih_l0", net.rnn.weight_ih_l0),
    ]:
        assert weight is not None
        assert weight.grad is not None
        assert rows[name][2] == pytest.approx(weight.grad.norm().item(), rel=1e-5)
    assert rows["attention.out_proj"][4] > 0
    key = attention.in_proj_weight.grad[12:16].norm().item()  # type: ignore[index, union-attr]
    assert found["attention.in_proj.key.head2", "weight_gradient_norm"] == pytest.approx(key)
    forget = net.rnn.weight_hh_l0.grad[4:8].norm().item()  # type: ignore[index]
    measure = found["rnn.weight_hh_l0.forget_gate", "weight_gradient_norm"]
    assert measure == pytest.approx(forget, rel=1e-5)


def test_a_fused_layers_gradients_are_told_apart() -> None:
    from bnexp.probes.shift import layer_parameters

    net = nn.Sequential(nn.LSTM(3, 4), nn.MultiheadAttention(8, 2, kdim=4))
    names = [name for name, _ in net.named_parameters()]
    found = dict(layer_parameters(net, [name for name in names if name != "0.bias_hh_l0"]))
    assert list(found) == [
        "0.weight_ih_l0", "0.weight_hh_l0", "1.q_proj", "1.k_proj", "1.v_proj", "1.out_proj"
    ]  # fmt: skip
    assert found["0.weight_ih_l0"] == ["0.weight_ih_l0", "0.bias_ih_l0"]
    assert found["0.weight_hh_l0"] == ["0.weight_hh_l0"]
    assert found["1.out_proj"] == ["1.out_proj.weight", "1.out_proj.bias"]


def test_every_weight_of_torchvisions_vit_is_seen() -> None:
    keys = {"image_size": 8, "patch_size": 4, "num_layers": 2, "num_heads": 2, "hidden_dim": 8}
    from torchvision.models import VisionTransformer

    torch.manual_seed(0)
    net = VisionTransformer(mlp_dim=16, num_classes=5, **keys)
    tables, _ = measured(net, torch.randn(4, 3, 8, 8), gradients=True)
    seen = {row[0] for row in tables["gradients"]}
    for layer in range(2):
        start = f"encoder.layers.encoder_layer_{layer}"
        attention = {f"{start}.self_attention.{name}" for name in ("in_proj", "out_proj")}
        assert attention | {f"{start}.mlp.0", f"{start}.mlp.3"} <= seen
    assert all(None not in row[:4] for row in tables["gradients"])


def test_layers_without_parts_record_nothing_more() -> None:
    tables = record(
        built("mlp"), torch.randn(6, 1, 8, 8), torch.arange(6) % 5, F.cross_entropy,
        gradients=True, activations=True,
    ).rows()  # fmt: skip
    assert set(tables) == {"gradients", "activations"}
