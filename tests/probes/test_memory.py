import copy
import gc
import weakref

import torch
from torch import nn

from bnexp.norms import make_norm
from bnexp.probes import saved_bytes


def test_a_net_by_hand() -> None:
    model = nn.Sequential(nn.Linear(5, 8), nn.Sigmoid(), nn.Linear(8, 3))
    x = torch.randn(4, 5)
    # Each linear layer keeps its input, the sigmoid its output, which is the next one's input.
    assert saved_bytes(model, x) == 4 * (4 * 5 + 4 * 8)


def test_batch_norm_keeps_its_input_and_two_values_per_channel() -> None:
    x = torch.randn(6, 8, requires_grad=True)
    kept = saved_bytes(make_norm("batch", 8), x)
    assert 4 * (6 * 8 + 2 * 8) <= kept <= 4 * (6 * 8 + 4 * 8)


def test_training_does_not_notice() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 8), make_norm("batch", 8), nn.Dropout(0.5))
    before, random = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    saved_bytes(model, torch.randn(4, 5, generator=torch.Generator().manual_seed(0)))
    assert all(torch.equal(before[k], v) for k, v in model.state_dict().items())
    assert torch.equal(random, torch.get_rng_state())


def test_nothing_is_kept_once_it_is_counted() -> None:
    model = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 2))
    weight = weakref.ref(model[0].weight)
    saved_bytes(model, torch.randn(4, 8))
    del model
    gc.collect()
    assert weight() is None
