import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from bnexp.norms import make_norm
from bnexp.training.evaluation import TRAIN_MODE_SAMPLES, evaluate, evaluate_train_mode

OFF = torch.autocast("cpu", enabled=False)


def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 8), make_norm("batch", 8), nn.Dropout(0.5), nn.Linear(8, 3))


def batch(n: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(n, 5, generator=generator), torch.randint(3, (n,), generator=generator)


def test_evaluation_mode_by_hand() -> None:
    model, (x, y) = net(), batch(2_345)
    loss, accuracy = evaluate(model, [(x, y)], OFF).tolist()
    logits = model.eval()(x)
    torch.testing.assert_close(loss, F.cross_entropy(logits, y).item(), rtol=1e-5, atol=1e-6)
    assert accuracy == (logits.argmax(1) == y).float().mean().item()


def test_large_images_are_evaluated_in_parts_to_the_same_numbers() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 2, 3), nn.Flatten(), nn.Linear(2 * 30 * 30, 4))
    seen: list[int] = []
    model.register_forward_pre_hook(lambda _, inputs: seen.append(len(inputs[0])))
    splits = [(torch.randn(n, 3, 32, 32), torch.randint(4, (n,))) for n in (150, 10)]
    loss, accuracy, *second = evaluate(model, splits, OFF).tolist()
    assert seen == [64, 64, 22, 10]
    (x, y), (other_x, other_y) = splits
    torch.testing.assert_close(loss, F.cross_entropy(model(x), y).item(), rtol=1e-5, atol=1e-6)
    assert accuracy == pytest.approx((model(x).argmax(1) == y).float().mean().item())
    torch.testing.assert_close(second[0], F.cross_entropy(model(other_x), other_y).item())


def test_train_mode_uses_batch_statistics_without_dropout_and_restores_buffers() -> None:
    model, (x, y) = net(), batch(64)
    before = copy.deepcopy(model.state_dict())
    loss, _ = evaluate_train_mode(model, [(x, y)], 32, OFF).tolist()
    after = model.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert not any(module.training for module in model.modules())
    hand = copy.deepcopy(model)
    hand[1].train()
    pairs = zip(x.split(32), y.split(32), strict=True)
    parts = [F.cross_entropy(hand(a), b).item() for a, b in pairs]
    torch.testing.assert_close(loss, sum(parts) / 2, rtol=1e-5, atol=1e-6)


def test_train_mode_takes_a_fixed_part_and_no_lone_sample() -> None:
    model, (x, y) = net(), batch(TRAIN_MODE_SAMPLES + 500)
    whole = evaluate_train_mode(model, [(x, y)], 100, OFF)
    first = x[:TRAIN_MODE_SAMPLES], y[:TRAIN_MODE_SAMPLES]
    part = evaluate_train_mode(model, [first], 100, OFF)
    assert torch.equal(whole, part)
    evaluate_train_mode(model, [(x[:33], y[:33])], 32, OFF)


def test_a_norm_that_draws_random_numbers_leaves_training_its_own() -> None:
    """Evaluation with batch statistics, as often as it may be, changes no later step."""
    model = nn.Sequential(nn.Linear(4, 6), make_norm("noisy_batch", 6), nn.Linear(6, 3))
    x, y = torch.randn(40, 4), torch.randint(3, (40,))
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    evaluate_train_mode(model, [(x, y)], 8, OFF)
    assert torch.equal(torch.rand(4), expected)
