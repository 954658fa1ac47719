import pytest
import torch
from torch import nn

from bnexp.norms import BatchNorm, RecurrentBatchNorm
from bnexp.probes import norm_measures


def test_values_by_layer() -> None:
    norm = BatchNorm(4)
    norm.weight = nn.Parameter(torch.tensor([1.0, 2, 3, 6]))
    norm.bias = nn.Parameter(torch.tensor([-1.0, 1, -1, 1]))
    norm.running_mean.copy_(torch.tensor([0.0, 0, 0, 4]))
    norm.running_var.fill_(2)
    model = nn.ModuleDict({"layers": nn.ModuleList([nn.ModuleDict({"norm": norm})])})
    expected = {
        "gamma": (3, 3.5**0.5, 1, 6),
        "beta": (0, 1, -1, 1),
        "running_mean": (1, 3**0.5, 0, 4),
        "running_var": (2, 0, 2, 2),
    }
    rows = norm_measures(model)
    assert {layer for layer, _, _ in rows} == {"layers.0"}
    assert [name for _, name, _ in rows] == [
        f"{name}_{what}" for name in expected for what in ("mean", "std", "min", "max")
    ]
    values = [value for numbers in expected.values() for value in numbers]
    assert [value for _, _, value in rows] == pytest.approx(values, rel=1e-6)


def test_only_what_a_normaliser_has() -> None:
    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("running_mean", torch.zeros(2, 3))

    model = nn.Sequential(
        nn.Linear(3, 3), nn.PReLU(3), nn.BatchNorm1d(3, affine=False), nn.LayerNorm(3),
        nn.GroupNorm(1, 3, affine=False), nn.RMSNorm(3), Own(), RecurrentBatchNorm(3),
        nn.InstanceNorm1d(3),
    )  # fmt: skip
    found: dict[str, set[str]] = {}
    for layer, name, _ in norm_measures(model):
        found.setdefault(layer, set()).add(name.rpartition("_")[0])
    assert found == {
        "2": {"running_mean", "running_var"},
        "3": {"gamma", "beta"},
        "5": {"gamma"},
        "6": {"running_mean"},
        "7": {"gamma", "beta", "running_mean", "running_var"},
    }


def test_no_normaliser_no_rows() -> None:
    assert norm_measures(nn.Linear(2, 2)) == []
