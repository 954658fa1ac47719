import math
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch import Tensor, nn

from bnexp.probes.statistics import SAMPLE, histogram, moments, percentiles
from bnexp.runs.record import COLUMNS
from tests.probes.measure import record

FIELDS = COLUMNS["activations"][1:]


def measured(model: nn.Module, x: Tensor, **options: Any) -> dict[tuple[str, str], dict[str, Any]]:
    y = torch.zeros(len(x), dtype=torch.long)
    rows = record(model, x, y, F.cross_entropy, activations=True, **options).rows()
    named = [dict(zip(FIELDS, row, strict=True)) for row in rows["activations"]]
    return {(row["layer"], row["tensor"]): row for row in named}


floats = st.floats(-1000, 1000, width=32)


@settings(deadline=None)
@given(arrays(np.float32, st.integers(1, 300), elements=floats))
def test_moments_and_percentiles_against_numpy(x: np.ndarray) -> None:
    values = torch.stack([*moments(torch.from_numpy(x)), *percentiles(torch.from_numpy(x))])
    wide = x.astype(np.float64)
    expected = [wide.mean(), wide.std(), *np.percentile(wide, [15, 50, 85])]
    assert values.tolist() == pytest.approx(expected, rel=1e-4, abs=1e-3)


@settings(deadline=None)
@given(arrays(np.int64, st.integers(0, 300), elements=st.integers(0, 64)))
def test_histogram_of_bin_edges(x: np.ndarray) -> None:
    x = np.concatenate([[0, 64], x])
    low, high, counts = histogram(torch.from_numpy(x / 8 - 3).float())
    assert (float(low), float(high)) == (-3, 5)
    assert counts.tolist() == np.bincount(np.minimum(x, 63), minlength=64).tolist()


def test_histogram_of_equal_values() -> None:
    low, high, counts = histogram(torch.full((5,), 2.5))
    assert (float(low), float(high), counts.tolist()) == (2.5, 2.5, [5] + [0] * 63)


def test_large_tensors_are_sampled_across_every_column() -> None:
    column = torch.arange(32.0).expand(64, 16, 32, 32)
    assert column.numel() == 16 * SAMPLE  # every 16th value would see only two columns
    expected = np.percentile(np.arange(32).repeat(100), [15, 50, 85])
    found = [float(p) for p in percentiles(column.flatten())]
    assert found == pytest.approx(expected, abs=0.5)


def test_each_tensor_is_the_one_it_says() -> None:
    torch.manual_seed(0)
    x = torch.randn(64, 6)
    model = nn.Sequential(
        nn.Linear(6, 5), nn.BatchNorm1d(5), nn.Tanh(), nn.Linear(5, 4), nn.ReLU(),
        nn.BatchNorm1d(4), nn.Linear(4, 3),
    )  # fmt: skip
    rows = measured(model, x)
    tensors = [x]
    for layer in model:
        tensors.append(layer(tensors[-1]))
    expected = {
        ("0", "input"): 0, ("0", "pre_activation"): 2, ("0", "activation"): 3,
        ("3", "input"): 3, ("3", "pre_activation"): 4, ("3", "activation"): 5,
        ("6", "input"): 6,
    }  # fmt: skip
    assert list(rows) == list(expected)
    for key, place in expected.items():
        t = tensors[place].detach().double().numpy()
        want = [t.mean(), t.std(), *np.percentile(t, [15, 50, 85])]
        found = [rows[key][name] for name in ("mean", "std", "p15", "p50", "p85")]
        assert found == pytest.approx(want, rel=1e-4, abs=1e-6)
    assert [row["index"] for row in rows.values()] == [1, 1, 1, 2, 2, 2, 3]


def test_own_nets_are_named_by_block_and_identity_counts_as_activation() -> None:
    class Block(nn.Sequential):
        def __init__(self) -> None:
            super().__init__()
            self.linear, self.norm, self.activation = nn.Linear(4, 4), nn.Identity(), nn.Identity()

    class Net(nn.Sequential):
        def __init__(self) -> None:
            super().__init__()
            self.layers, self.head = nn.Sequential(Block(), Block()), nn.Linear(4, 3)

    rows = measured(Net(), torch.randn(5, 4))
    kinds = ("input", "pre_activation", "activation")
    hidden = [(f"layers.{i}", kind) for i in range(2) for kind in kinds]
    assert list(rows) == [*hidden, ("head", "input")]


def test_only_the_first_activation_after_a_layer_is_its_own() -> None:
    model = nn.Sequential(nn.ReLU(), nn.Linear(2, 2), nn.Tanh(), nn.ReLU())
    rows = measured(model, torch.randn(5, 2))
    assert list(rows) == [("1", kind) for kind in ("input", "pre_activation", "activation")]
    assert rows["1", "activation"]["dead_fraction"] is None


def linear(weight: Tensor, bias: Tensor) -> nn.Linear:
    layer = nn.Linear(*weight.T.shape)
    layer.weight, layer.bias = nn.Parameter(weight), nn.Parameter(bias)
    return layer


def test_dead_units() -> None:
    x = torch.tensor([[1.0], [-1.0], [2.0]])
    # positive for x > 1.5 only, always, never, never, and never above 0
    layer = linear(torch.tensor([[1.0], [0], [0], [1], [0]]), torch.tensor([-1.5, 1, -1, -9, 0]))
    rows = measured(nn.Sequential(layer, nn.ReLU(inplace=True), nn.Linear(5, 2)), x)
    assert rows["0", "activation"]["dead_fraction"] == pytest.approx(3 / 5)
    assert rows["0", "activation"]["saturated_fraction"] is None
    assert rows["0", "pre_activation"]["dead_fraction"] is None
    assert rows["0", "input"]["dead_fraction"] is None
    leaky = measured(nn.Sequential(layer, nn.LeakyReLU(), nn.Linear(5, 2)), x)
    assert leaky["0", "activation"]["dead_fraction"] is None


@pytest.mark.parametrize("space", [1, 2, 3])
def test_dead_channels(space: int) -> None:
    conv = getattr(nn, f"Conv{space}d")(1, 4, 1)
    nn.init.ones_(conv.weight)
    conv.bias = nn.Parameter(torch.tensor([0.0, -1, -5, -5]))
    x = torch.zeros(3, 1, *[4] * space)
    x.view(-1)[-1] = 2  # one sample and place brings channels 0 and 1 to life
    model = nn.Sequential(conv, nn.ReLU(), nn.Flatten(), nn.Linear(4 * 4**space, 2))
    assert measured(model, x)["0", "activation"]["dead_fraction"] == 0.5


def test_dead_units_of_a_layer_on_sequences() -> None:
    layer = linear(torch.zeros(4, 2), torch.tensor([1.0, -1, -1, -1]))
    model = nn.Sequential(layer, nn.ReLU(), nn.Flatten(), nn.Linear(12, 2))
    assert measured(model, torch.randn(5, 3, 2))["0", "activation"]["dead_fraction"] == 0.75


@pytest.mark.parametrize(
    ("activation", "inputs", "share"),
    [
        (nn.Tanh(), [-4.0, -2.6, 0, 1, 2.7, 9, 30, 2], 5 / 8),  # |tanh z| > 0.99 from 2.647
        (nn.Sigmoid(), [-9.0, -5, -4.5, 0, 4.5, 4.7, 1, 2], 3 / 8),  # from |z| = 4.595
    ],
)
def test_saturation(activation: nn.Module, inputs: list[float], share: float) -> None:
    if isinstance(activation, nn.Tanh):
        share = sum(abs(math.tanh(z)) > 0.99 for z in inputs) / len(inputs)
    x = torch.tensor(inputs)[:, None]
    layer = linear(torch.ones(1, 1), torch.zeros(1))
    rows = measured(nn.Sequential(layer, activation, nn.Linear(1, 2)), x)
    assert rows["0", "activation"]["saturated_fraction"] == pytest.approx(share)
    assert rows["0", "activation"]["dead_fraction"] is None
    assert rows["0", "pre_activation"]["saturated_fraction"] is None


def test_steps_of_a_recurrent_net_are_pooled() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.step = linear(torch.eye(2), torch.tensor([-1.0, -1.0]))
            self.activation = nn.ReLU()
            self.head = nn.Linear(2, 3)

        def forward(self, x: Tensor) -> Tensor:
            for row in x.unbind(1):
                h = self.activation(self.step(row))
            return self.head(h)

    x = torch.zeros(4, 3, 2)
    x[0, 1, 0] = 5  # unit 0 lives in the second step alone, unit 1 never
    rows = measured(Net(), x, histograms=True)
    assert rows["step", "input"]["mean"] == pytest.approx(5 / 24)
    assert rows["step", "pre_activation"]["std"] == pytest.approx(float((x - 1).std(correction=0)))
    assert rows["step", "activation"]["mean"] == pytest.approx(4 / 24)
    assert rows["step", "activation"]["dead_fraction"] == 0.5
    table = record(Net(), x, torch.zeros(4).long(), F.cross_entropy, histograms=True).rows()
    assert table["histograms"][1] == (
        "step", 1, "pre_activation", -1.0, 4.0, " ".join(["23", *["0"] * 62, "1"])
    )  # fmt: skip


def test_later_work_in_place_is_not_seen() -> None:
    x = torch.randn(32, 4)
    model = nn.Sequential(nn.Linear(4, 8), nn.Hardswish(), nn.Dropout(0.5, inplace=True))
    expected = F.hardswish(model[0](x)).mean().item()
    assert measured(model, x)["0", "activation"]["mean"] == pytest.approx(expected, abs=1e-6)


@settings(max_examples=20, deadline=None)
@given(st.sampled_from([math.nan, math.inf, -math.inf]), st.integers(0, 11))
def test_values_that_are_not_finite(value: float, place: int) -> None:
    x = torch.randn(4, 3)
    x.view(-1)[place] = value
    model = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.ReLU(), nn.Linear(3, 2))
    rows = measured(model, x, histograms=True, gradients=True)
    assert not math.isfinite(rows["0", "input"]["mean"])
    assert math.isnan(rows["0", "pre_activation"]["mean"])


def test_statistics_of_half_precision_are_in_single() -> None:
    torch.manual_seed(0)
    x = torch.randn(512, 64) + 100
    model = nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 2))
    autocast = torch.autocast("cpu", torch.bfloat16)
    rows = measured(model, x, autocast=autocast)
    with autocast:
        a = model[:2](x)
    assert a.dtype == torch.bfloat16
    assert rows["0", "activation"]["mean"] == pytest.approx(a.double().mean().item(), rel=1e-5)
    assert rows["0", "activation"]["std"] == pytest.approx(
        a.double().std(correction=0).item(), rel=1e-5
    )
