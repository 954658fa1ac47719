"""Sequences of varying length: padding changes nothing."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from bnexp.data.lengths import cut
from bnexp.models import build_model
from bnexp.models.check import check_model
from bnexp.norms.catalogue import NORMS
from tests.models.configure import configure

SHAPE = (2, 5, 3)
LENGTHS = torch.tensor([5, 2, 4, 1, 4, 2])


def built(kind: str, **keys: Any) -> Any:
    torch.manual_seed(0)
    return build_model(configure(kind, **({"widths": [6, 4]} | keys)), SHAPE, 4)


def padded(lengths: Tensor = LENGTHS) -> tuple[Tensor, Tensor]:
    torch.manual_seed(1)
    whole = torch.randn(len(lengths), *SHAPE)
    return whole, cut(whole.clone(), lengths)


FITTING = [
    (kind, norm)
    for kind in ("rnn", "lstm")
    for norm in NORMS
    if not check_model(configure(kind, norm=norm), SHAPE, 4, 6, 6) and norm != "ghost"
]


@pytest.mark.parametrize(("kind", "norm"), FITTING)
def test_in_evaluation_a_sample_gives_what_its_rows_alone_give(kind: str, norm: str) -> None:
    net = built(kind, norm=norm, widths=[16, 16])
    for _ in range(3):
        net(padded()[1])
    net.eval()
    whole, x = padded()
    alone = [net(whole[n : n + 1, :, :length]) for n, length in enumerate(LENGTHS)]
    torch.testing.assert_close(net(x), torch.cat(alone), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("kind", "norm"), FITTING)
def test_what_stands_in_the_padding_reaches_nothing(kind: str, norm: str) -> None:
    net = built(kind, norm=norm, widths=[16, 16])
    _, x = padded()
    F.cross_entropy(net(x), torch.arange(6) % 4).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())
    assert all(buffer.isfinite().all() for buffer in net.buffers())


@pytest.mark.parametrize("kind", ["rnn", "lstm"])
def test_batch_statistics_are_of_the_rows_that_are_data(kind: str) -> None:
    net = built(kind, norm="batch", norm_options={"momentum": 1.0})
    whole, x = padded()
    net(x)
    layer = net.layers[0]
    real = torch.cat([whole[n, :, :k].movedim(1, 0).flatten(1) for n, k in enumerate(LENGTHS)])
    values = layer.linear(real)
    torch.testing.assert_close(layer.norm.running_mean, values.mean(0))
    torch.testing.assert_close(layer.norm.running_var, values.var(0))


@pytest.mark.parametrize("kind", ["rnn", "lstm"])
def test_statistics_of_a_step_are_of_the_samples_that_reach_it(kind: str) -> None:
    net = built(kind, norm="recurrent_batch", norm_options={"momentum": 1.0})
    whole, x = padded()
    net(x)
    norm, linear = net.layers[0].norm, net.layers[0].linear
    for step in range(4):
        values = linear(whole[step < LENGTHS][:, :, step].flatten(1))
        torch.testing.assert_close(norm.running_mean[step], values.mean(0))
    assert len(norm.running_mean) == 4  # the fifth step has one sample, and so no statistics


@pytest.mark.parametrize(("kind", "norm"), [(k, n) for k, n in FITTING if n != "recurrent_batch"])
def test_sequences_as_long_as_there_is_room_are_no_special_case(kind: str, norm: str) -> None:
    """One sample is cut by one row: the others have nearly the values of whole ones."""
    torch.manual_seed(1)
    whole = torch.randn(4, *SHAPE)
    net = built(kind, norm=norm, widths=[16, 16]).eval()
    x = cut(whole.clone(), torch.tensor([5, 5, 5, 4]))
    torch.testing.assert_close(net(x)[:3], net(whole)[:3], rtol=1e-4, atol=1e-5)
