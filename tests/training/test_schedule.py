import math

import pytest

from bnexp.compose import compose
from bnexp.config import Training
from bnexp.training.schedule import learning_rate, midway


def rates(steps: int, per_epoch: int, **keys: object) -> list[float]:
    tree = compose([])[0]["training"] | keys
    training = Training.model_validate(tree)
    return [learning_rate(0.4, training, step, per_epoch) for step in range(steps)]


def test_where_an_epoch_is_evaluated_before_its_end() -> None:
    assert midway(1, 12) == midway(5, 12) == set()
    assert midway(0.25, 12) == {3, 6, 9}
    assert midway(0.1, 4) == {1, 2, 3}  # no oftener than every step
    assert midway(0.3, 10) == {3, 6, 9}


def test_constant() -> None:
    assert rates(5, 2) == [0.4] * 5


def test_warm_up_is_linear_and_ends_at_the_base_rate() -> None:
    assert rates(6, 4, lr_warmup_epochs=1.0) == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.4, 0.4])
    assert rates(3, 4, lr_warmup_epochs=0.5) == pytest.approx([0.2, 0.4, 0.4])


def test_step_multiplies_after_every_so_many_epochs() -> None:
    got = rates(8, 2, lr_schedule="step", lr_step_size=2, lr_gamma=0.5)
    assert got == pytest.approx([0.4] * 4 + [0.2] * 4)


def test_cosine_falls_from_the_base_rate_towards_zero() -> None:
    got = rates(10, 5, lr_schedule="cosine", epochs=2)
    assert got == pytest.approx([0.2 * (1 + math.cos(math.pi * i / 10)) for i in range(10)])
    short = rates(4, 5, lr_schedule="cosine", epochs=2, max_steps=4)
    assert short == pytest.approx([0.2 * (1 + math.cos(math.pi * i / 4)) for i in range(4)])


def test_cosine_agrees_with_torch() -> None:
    import torch

    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.4)
    reference = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=10)
    expected = []
    for _ in range(10):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        reference.step()
    assert rates(10, 5, lr_schedule="cosine", epochs=2) == pytest.approx(expected)
