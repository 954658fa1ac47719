from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bnexp.models import build_model
from tests.models.configure import configure
from tests.models.test_rnn import batch_normed, rows

SHAPE = (2, 5, 3)  # two channels, five rows of three pixels


def built(shape: tuple[int, ...] = SHAPE, **keys: Any) -> Any:
    torch.manual_seed(0)
    return build_model(configure("lstm", **({"widths": [6]} | keys)), shape, 4)


def test_equals_pytorchs_lstm_in_outputs_and_gradients() -> None:
    net = built(widths=[6, 7])
    x = torch.randn(3, *SHAPE)
    references = [nn.LSTM(6, 6, batch_first=True), nn.LSTM(6, 7, batch_first=True)]
    with torch.no_grad():
        for reference, layer in zip(references, net.layers, strict=True):
            reference.weight_ih_l0.copy_(layer.linear.weight)
            reference.bias_ih_l0.copy_(layer.linear.bias)
            reference.weight_hh_l0.copy_(layer.recurrent.weight)
            reference.bias_hh_l0.zero_()
    h = rows(x)
    for reference in references:
        h, _ = reference(h)
    expected, found = net.head(h[:, -1]), net(x)
    torch.testing.assert_close(found, expected)
    direction = torch.randn_like(found)
    expected.backward(direction), found.backward(direction)
    for reference, layer in zip(references, net.layers, strict=True):
        for ours, theirs in [
            (layer.linear.weight, reference.weight_ih_l0),
            (layer.linear.bias, reference.bias_ih_l0),
            (layer.recurrent.weight, reference.weight_hh_l0),
        ]:
            torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-4, atol=1e-6)


def by_hand(
    net: Any,
    x: Tensor,
    combine: Callable[[Tensor, Tensor, int], Tensor],
    cell: Callable[[Tensor], Tensor] = lambda c: c,
) -> Tensor:
    """The logits with z_t = combine(W x_t + b for every step, U h_{t-1}, t)."""
    layer = net.layers[0]
    inputs = rows(x) @ layer.linear.weight.T + layer.linear.bias
    h = c = torch.zeros(len(x), 6)
    for step in range(inputs.shape[1]):
        i, f, g, o = combine(inputs, h @ layer.recurrent.weight.T, step).split(6, 1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(cell(c))
    return h @ net.head.linear.weight.T + net.head.linear.bias


@pytest.mark.parametrize("training", [True, False])
def test_layer_norm_is_on_each_gate_and_the_cell(training: bool) -> None:
    net = built(norm="layer").train(training)
    x = torch.randn(3, *SHAPE)

    def combine(z: Tensor, u: Tensor, step: int) -> Tensor:
        return torch.cat([F.layer_norm(gate, (6,)) for gate in (z[:, step] + u).split(6, 1)], 1)

    expected = by_hand(net, x, combine, lambda c: F.layer_norm(c, (6,)))
    torch.testing.assert_close(net(x), expected)
    assert list(net.layers[0].norm) == ["input", "forget", "cell", "output"]


@pytest.mark.parametrize("norm", ["batch", "torch.nn.BatchNorm1d"])
def test_batch_norm_is_on_the_input_transform_of_all_steps(norm: str) -> None:
    net = built(norm=norm, norm_options={})
    x = torch.randn(4, *SHAPE)

    def combine(z: Tensor, u: Tensor, step: int) -> Tensor:
        return batch_normed(z.flatten(0, 1)).view_as(z)[:, step] + u

    torch.testing.assert_close(net(x), by_hand(net, x, combine), rtol=1e-4, atol=1e-5)
    assert isinstance(net.layers[0].cell_norm, nn.Identity)


def test_recurrent_batch_norm_is_on_both_transforms_and_the_cell() -> None:
    net = built(norm="recurrent_batch", norm_options={"gamma": 0.5})
    x = torch.randn(4, *SHAPE)

    def combine(z: Tensor, u: Tensor, step: int) -> Tensor:
        return 0.5 * batch_normed(z[:, step]) + 0.5 * batch_normed(u)

    expected = by_hand(net, x, combine, lambda c: 0.5 * batch_normed(c))
    torch.testing.assert_close(net(x), expected, rtol=1e-4, atol=1e-5)
    assert net.layers[0].cell_norm.running_mean.shape == (5, 6)


def test_the_gates_are_drawn_one_by_one() -> None:
    net = built(init="orthogonal", widths=[8])
    for weight in (net.layers[0].linear.weight, net.layers[0].recurrent.weight):
        for gate in weight.detach().split(8):
            singular = torch.linalg.svdvals(gate)
            torch.testing.assert_close(singular, torch.ones_like(singular))
