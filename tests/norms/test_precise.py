"""Re-estimated population statistics."""

import pytest
import torch
from torch import Tensor, nn

from bnexp.errors import UserError
from bnexp.norms import (
    PreciseBatchNorm,
    estimate_population_statistics,
    make_norm,
    wants_population_statistics,
)


def data(n: int = 60) -> Tensor:
    torch.manual_seed(0)
    return torch.randn(n, 6, 3, dtype=torch.float64) * 3 + 100


@pytest.mark.parametrize("name", ["precise", "batch", "batch_manual", "ghost"])
def test_one_full_batch_gives_its_own_statistics(name: str) -> None:
    norm, x = make_norm(name, 6).double(), data()
    estimate_population_statistics(norm, [x])
    torch.testing.assert_close(norm.running_mean, x.mean((0, 2)))
    torch.testing.assert_close(norm.running_var, x.var((0, 2), correction=0))
    in_training = make_norm("batch", 6).double()(x)
    torch.testing.assert_close(norm.eval()(x), in_training)


@pytest.mark.parametrize("sizes", [[30, 30], [10] * 6, [1] * 60, [2, 25, 33], [59, 1]], ids=str)
def test_any_split_gives_the_same(sizes: list[int]) -> None:
    norm, x = make_norm("precise", 6).double(), data()
    estimate_population_statistics(norm, x.split(sizes))
    torch.testing.assert_close(norm.running_mean, x.mean((0, 2)))
    torch.testing.assert_close(norm.running_var, x.var((0, 2), correction=0))


def test_the_formula_of_the_paper() -> None:
    """mean = E[mean_B] and var = E[mean_B^2 + var_B] - mean^2, for equal batches."""
    norm, batches = make_norm("precise", 6).double(), data().split(10)
    estimate_population_statistics(norm, batches)
    means = torch.stack([b.mean((0, 2)) for b in batches])
    variances = torch.stack([b.var((0, 2), correction=0) for b in batches])
    torch.testing.assert_close(norm.running_mean, means.mean(0))
    expected = (means**2 + variances).mean(0) - means.mean(0) ** 2
    torch.testing.assert_close(norm.running_var, expected)


def test_nothing_else_is_touched() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(4, 6), make_norm("precise", 6), nn.Dropout(0.5), nn.Linear(6, 6),
        make_norm("batch_renorm", 6), make_norm("precise", 6, momentum=None),
        make_norm("batch", 6, track_running_stats=False),
    )  # fmt: skip
    model[3].eval()
    modes = [module.training for module in model.modules()]
    batches = list(torch.randn(40, 4).split(8))
    for x in batches:
        model(x)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    random = torch.get_rng_state()
    estimate_population_statistics(model, batches)
    changed = {k for k, v in model.state_dict().items() if not torch.equal(v, before[k])}
    assert changed == {f"{i}.running_{s}" for i in (1, 5) for s in ("mean", "var")}
    assert modes == [module.training for module in model.modules()]
    assert torch.equal(random, torch.get_rng_state())
    assert all(not module._forward_hooks for module in model.modules())


def test_twice_is_once() -> None:
    model = nn.Sequential(nn.Linear(4, 6), make_norm("precise", 6))
    batches = torch.randn(40, 4).split(8)
    estimate_population_statistics(model, batches)
    once = {k: v.clone() for k, v in model.state_dict().items()}
    estimate_population_statistics(model, batches)
    torch.testing.assert_close(model.state_dict(), once, rtol=0, atol=0)


def test_no_more_samples_than_asked_for() -> None:
    norm, x = PreciseBatchNorm(6, samples=25).double(), data()
    taken = []
    estimate_population_statistics(norm, (taken.append(i) or b for i, b in enumerate(x.split(10))))
    assert taken == [0, 1, 2]
    torch.testing.assert_close(norm.running_mean, x[:30].mean((0, 2)))


def test_an_error_on_the_way_leaves_all_as_it_was() -> None:
    model = nn.Sequential(make_norm("precise", 6).double())
    model(data())
    before = {k: v.clone() for k, v in model.state_dict().items()}
    with pytest.raises(ValueError, match="expected 6 channels"):
        estimate_population_statistics(model, [data(), data()[:, :5]])
    torch.testing.assert_close(model.state_dict(), before, rtol=0, atol=0)
    assert not model[0]._forward_hooks
    with pytest.raises(UserError, match="at least one batch"):
        estimate_population_statistics(model, [])


def test_who_wants_it() -> None:
    assert wants_population_statistics(nn.Sequential(nn.Sequential(make_norm("precise", 4))))
    assert not wants_population_statistics(nn.Sequential(make_norm("batch", 4)))
