from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bnexp.models import build_model
from tests.models.configure import configure

SHAPE = (2, 5, 3)  # two channels, five rows of three pixels


def built(shape: tuple[int, ...] = SHAPE, **keys: Any) -> Any:
    torch.manual_seed(0)
    return build_model(configure("rnn", widths=[6], **keys), shape, 4)


def rows(x: Tensor) -> Tensor:
    return torch.stack([x[:, :, row].reshape(len(x), -1) for row in range(x.shape[2])], 1)


def by_hand(net: Any, x: Tensor, combine: Callable[[Tensor, Tensor, int], Tensor]) -> Tensor:
    """The logits with h_t = tanh(combine(W x_t + b for every step, U h_{t-1}, t))."""
    layer = net.layers[0]
    inputs = rows(x) @ layer.linear.weight.T + layer.linear.bias
    h = torch.zeros(len(x), 6)
    for step in range(inputs.shape[1]):
        h = torch.tanh(combine(inputs, h @ layer.recurrent.weight.T, step))
    return h @ net.head.linear.weight.T + net.head.linear.bias


def test_equals_pytorchs_rnn() -> None:
    torch.manual_seed(0)
    net: Any = build_model(configure("rnn", widths=[6, 7]), SHAPE, 4)
    first, second = nn.RNN(6, 6, batch_first=True), nn.RNN(6, 7, batch_first=True)
    with torch.no_grad():
        for reference, layer in zip((first, second), net.layers, strict=True):
            reference.weight_ih_l0.copy_(layer.linear.weight)
            reference.bias_ih_l0.copy_(layer.linear.bias)
            reference.weight_hh_l0.copy_(layer.recurrent.weight)
            reference.bias_hh_l0.zero_()
    x = torch.randn(3, *SHAPE)
    expected = net.head(second(first(rows(x))[0])[0][:, -1])
    torch.testing.assert_close(net(x), expected)


@pytest.mark.parametrize("training", [True, False])
def test_layer_norm_is_on_the_sum(training: bool) -> None:
    net = built(norm="layer").train(training)
    x = torch.randn(3, *SHAPE)
    expected = by_hand(net, x, lambda z, u, t: F.layer_norm(z[:, t] + u, (6,)))
    torch.testing.assert_close(net(x), expected)


def batch_normed(z: Tensor) -> Tensor:
    return (z - z.mean(0)) / (z.var(0, correction=0) + 1e-5).sqrt()


def test_batch_norm_is_on_the_input_transform_of_all_steps() -> None:
    net = built(norm="batch")
    x = torch.randn(4, *SHAPE)

    def combine(z: Tensor, u: Tensor, step: int) -> Tensor:
        return batch_normed(z.flatten(0, 1)).view_as(z)[:, step] + u

    torch.testing.assert_close(net(x), by_hand(net, x, combine), rtol=1e-4, atol=1e-5)
    assert net.layers[0].norm.num_batches_tracked == 1
    for _ in range(200):
        net(x)  # until the running statistics are those of this batch
    factor = 20 / 19  # they hold the unbiased variance
    norm = net.layers[0].norm
    norm.running_var /= factor
    torch.testing.assert_close(net.eval()(x), by_hand(net, x, combine), rtol=1e-4, atol=1e-5)


def test_batch_norms_of_others_are_on_the_input_transform_too() -> None:
    x = torch.randn(4, *SHAPE)
    torch.testing.assert_close(
        built(norm="torch.nn.BatchNorm1d", norm_options={})(x), built(norm="batch")(x)
    )


def test_a_ghost_is_made_of_whole_sequences() -> None:
    ghost, batch = built(norm="ghost", norm_options={"ghost_size": 2}), built(norm="batch")
    x = torch.randn(4, *SHAPE)
    torch.testing.assert_close(ghost(x), torch.cat([batch(x[:2]), batch(x[2:])]))


def test_recurrent_batch_norm_is_on_both_transforms_with_statistics_per_step() -> None:
    net = built(norm="recurrent_batch", norm_options={"gamma": 0.5})
    x = torch.randn(4, *SHAPE)

    def combine(z: Tensor, u: Tensor, step: int) -> Tensor:
        return 0.5 * batch_normed(z[:, step]) + 0.5 * batch_normed(u)

    torch.testing.assert_close(net(x), by_hand(net, x, combine), rtol=1e-4, atol=1e-5)
    assert net.layers[0].norm.running_mean.shape == (5, 6)
    assert net.layers[0].recurrent_norm.running_mean.shape == (5, 6)


@pytest.mark.parametrize("norm", ["weight", "spectral"])
def test_norms_of_weights_are_computed_once_for_all_steps(norm: str) -> None:
    net = built(norm=norm)
    calls = []
    for linear in (net.layers[0].linear, net.layers[0].recurrent):
        linear.parametrizations.weight[0].register_forward_hook(lambda *_: calls.append(1))
    x = torch.randn(3, *SHAPE)
    net(x)
    assert len(calls) == 2
    net.eval()
    torch.testing.assert_close(net(x), by_hand(net, x, lambda z, u, t: z[:, t] + u))


def test_a_series_is_an_image_one_pixel_wide() -> None:
    x = torch.randn(3, 2, 5)
    torch.testing.assert_close(built((2, 5))(x), built((2, 5, 1))(x[..., None]))


def test_the_first_row_reaches_the_logits_and_dropout_leaves_the_memory_alone() -> None:
    net = built(dropout=0.5)
    memory: list[Tensor] = []
    net.layers[0].activation.register_forward_hook(lambda m, args, h: memory.append(h))
    x = torch.randn(3, *SHAPE, requires_grad=True)
    net(x).sum().backward()
    assert x.grad is not None
    assert x.grad[:, :, 0].abs().min() > 0
    net.eval()(x)
    torch.testing.assert_close(memory[:5], memory[5:])
