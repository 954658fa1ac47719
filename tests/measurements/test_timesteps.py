"""Statistics by time step, by hand and of nets."""

import math
from typing import Any

import pytest
import torch

from bnexp.errors import UserError
from bnexp.measurements.timesteps import measure, of_steps


def test_steps_that_are_alike_and_steps_that_differ() -> None:
    torch.manual_seed(0)
    z = torch.randn(4000, 5, 30)
    whole = torch.ones(4000, 5, dtype=torch.bool)
    alike = dict(of_steps(z, whole))
    assert alike["between_steps"] < 0.001
    assert alike["std_spread"] < 0.03
    step = torch.arange(5.0)[:, None]
    shifted = dict(of_steps(z + step, whole))  # variance between steps 2, within 1
    assert shifted["between_steps"] == pytest.approx(2 / 3, abs=0.01)
    assert shifted["mean_at_4"] == pytest.approx(3, abs=0.05)
    grown = dict(of_steps(z * torch.e**step, whole))
    assert grown["std_spread"] == pytest.approx(math.sqrt(2), abs=0.03)
    assert grown["std_at_3"] == pytest.approx(math.e**2, rel=0.02)


def test_padding_is_left_out() -> None:
    torch.manual_seed(0)
    z = torch.randn(50, 3, 4)
    data = torch.ones(50, 3, dtype=torch.bool)
    data[20:, 2] = False
    z[20:, 2] = 1e6
    found = dict(of_steps(z, data))
    assert (found["samples_at_1"], found["samples_at_3"]) == (50, 20)
    assert found["std_at_3"] == pytest.approx(
        z[:20, 2].double().var(0, correction=0).mean().sqrt().item()
    )


@pytest.mark.parametrize("model", ["rnn", "lstm"])
@pytest.mark.parametrize("lengths", [None, (3, 8)])
def test_nets(model: str, lengths: Any) -> None:
    options = {"model": model, "lengths": lengths, "steps": 3, "batch_size": 8}
    found = measure(0, **options)["measures"]
    assert found == measure(0, **options)["measures"]
    assert {row[0] for row in found} == {0, 3}
    values = {row[1:3]: row[3] for row in found if row[0] == 3}
    assert all(math.isfinite(value) for value in values.values())
    assert values["layers.0", "samples_at_3"] == 1000
    assert (values["layers.0", "samples_at_8"] < 1000) == (lengths is not None)
    assert 0 < values["layers.0", "between_steps"] < 1


def test_nets_without_steps_are_refused() -> None:
    with pytest.raises(UserError, match="model=mlp: must be an rnn or lstm"):
        measure(0, model="mlp")
