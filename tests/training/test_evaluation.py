import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from bnexp.norms import batch_statistics, estimate_population_statistics, make_norm
from bnexp.training.evaluation import evaluate, evaluate_train_mode, evaluation_batch_sizes, subset

OFF = torch.autocast("cpu", enabled=False)


def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 8), make_norm("batch", 8), nn.Dropout(0.5), nn.Linear(8, 3))


def batch(n: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(n, 5, generator=generator), torch.randint(3, (n,), generator=generator)


def test_evaluation_mode_by_hand() -> None:
    model, (x, y) = net(), batch(2_345)
    loss, accuracy = evaluate(model, (x, y), OFF).tolist()
    logits = model.eval()(x)
    torch.testing.assert_close(loss, F.cross_entropy(logits, y).item(), rtol=1e-5, atol=1e-6)
    assert accuracy == (logits.argmax(1) == y).float().mean().item()


def test_large_images_are_evaluated_in_parts_to_the_same_numbers() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 2, 3), nn.Flatten(), nn.Linear(2 * 30 * 30, 4))
    seen: list[int] = []
    model.register_forward_pre_hook(lambda _, inputs: seen.append(len(inputs[0])))
    x, y = torch.randn(150, 3, 32, 32), torch.randint(4, (150,))
    loss, accuracy = evaluate(model, (x, y), OFF).tolist()
    assert seen == [64, 64, 22]
    torch.testing.assert_close(loss, F.cross_entropy(model(x), y).item(), rtol=1e-5, atol=1e-6)
    assert accuracy == pytest.approx((model(x).argmax(1) == y).float().mean().item())


def test_no_batch_of_an_evaluation_is_one_sample() -> None:
    # batch norm without running statistics has none of one sample
    for samples in (2, 1000, 1001, 1002, 2001):
        sizes = evaluation_batch_sizes(samples, 10, on_cpu=True)
        assert sum(sizes) == samples
        assert min(sizes) > 1
    assert evaluation_batch_sizes(1, 10, on_cpu=True) == [1]
    assert evaluation_batch_sizes(3, 10**9, on_cpu=True) == [3]


def test_train_mode_uses_batch_statistics_without_dropout_and_restores_all() -> None:
    model, (x, y) = net().train(), batch(64)
    model[3].eval()
    before = copy.deepcopy(model.state_dict())
    modes = [module.training for module in model.modules()]
    loss, _ = evaluate_train_mode(model, (x, y), 32, OFF).tolist()
    after = model.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert [module.training for module in model.modules()] == modes
    hand = copy.deepcopy(model).eval()
    hand[1].train()
    x, y = subset((x, y), 64)
    pairs = zip(x.split(32), y.split(32), strict=True)
    parts = [F.cross_entropy(hand(a), b).item() for a, b in pairs]
    torch.testing.assert_close(loss, sum(parts) / 2, rtol=1e-5, atol=1e-6)


def test_a_norm_that_draws_random_numbers_leaves_training_its_own() -> None:
    """Evaluation with batch statistics, as often as it may be, changes no later step."""
    model = nn.Sequential(nn.Linear(4, 6), make_norm("noisy_batch", 6), nn.Linear(6, 3))
    x, y = torch.randn(40, 4), torch.randint(3, (40,))
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    evaluate_train_mode(model, (x, y), 8, OFF)
    assert torch.equal(torch.rand(4), expected)


def test_train_mode_takes_mixed_whole_batches_of_a_part() -> None:
    """Of samples in the order of their class, as image folders are."""
    model = nn.Sequential(make_norm("batch", 10))
    seen: list[torch.Tensor] = []
    model[0].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    y = torch.arange(10).repeat_interleave(500)
    for _ in range(2):
        evaluate_train_mode(model, (y[:, None].float().expand(-1, 10), y), 300, OFF)
    once, again = seen[:6], seen[6:]
    assert [len(x) for x in once] == [300] * 6
    assert all(torch.equal(a, b) for a, b in zip(once, again, strict=True))
    for x in once:
        counts = torch.bincount(x[:, 0].long(), minlength=10)
        assert counts.min() > 10  # 30 of each class are expected
    evaluate_train_mode(model, (torch.zeros(33, 10), torch.zeros(33).long()), 32, OFF)
    assert len(seen[-1]) == 32


def test_in_the_order_of_classes_a_subset_has_them_all() -> None:
    y = torch.arange(10).repeat_interleave(1000)
    x, chosen = subset((y[:, None].float(), y), 2000)
    assert torch.equal(x[:, 0].long(), chosen)
    assert torch.bincount(chosen).min() > 150
    assert len(subset((x, chosen), 5000)[1]) == 2000


class Frozen(nn.Module):
    """Keeps its first norm in evaluation mode, as fine-tuning does."""

    def __init__(self) -> None:
        super().__init__()
        self.frozen, self.free = nn.BatchNorm1d(5), nn.BatchNorm1d(5)

    def train(self, mode: bool = True) -> "Frozen":
        super().train(mode)
        self.frozen.eval()
        return self

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.free(self.frozen(x))


def test_norms_that_training_keeps_frozen_are_measured_so() -> None:
    """https://github.com/pytorch/pytorch/issues/86590"""
    model = Frozen()
    with batch_statistics(model) as norms:
        assert norms == [model.free]
        assert not model.frozen.training
        assert model.free.training
    estimate_population_statistics(model, [torch.randn(64, 5) + 3])
    assert torch.equal(model.frozen.running_mean, torch.zeros(5))
    assert (model.free.running_mean > 2).all()


class InPlace(nn.Linear):
    """Centres its input in place, as users' nets do."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x.sub_(0.5))


def test_a_net_that_works_in_place_leaves_the_samples_as_they_are() -> None:
    model, (x, y) = InPlace(5, 3), batch(300)
    before = x.clone()
    scores = [evaluate(model, (x, y), OFF), evaluate_train_mode(model, (x, y), 32, OFF)]
    assert torch.equal(x, before)
    assert torch.equal(scores[0], evaluate(model, (x, y), OFF))
