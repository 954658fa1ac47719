from typing import Any

import numpy as np
import pytest

from bnexp.comparisons.choices import Choices
from bnexp.comparisons.judges.normalised_always import after_training
from bnexp.runs.tables import Runs
from tests.comparisons.judges.tables import arm, make

EPS = 1e-5


def one_layer(gamma: list[float], beta: list[float], xhat_mean: float, xhat_std: float) -> Runs:
    """Runs of one arm whose channels have these gamma and beta."""
    rows = arm("bn", model__norm="batch", seeds=3)
    g, b = np.array(gamma), np.array(beta)
    y_mean = (g * xhat_mean + b).mean()
    y_std = np.sqrt((g**2 * xhat_std**2).mean() + (g * xhat_mean + b).var())
    values = {"gamma_mean": g.mean(), "gamma_std": g.std(), "beta_mean": b.mean()}
    values |= {"beta_std": b.std(), "running_var_min": 0.5}
    measures: list[dict[str, Any]] = []
    activations: list[dict[str, Any]] = []
    for run in (row["run"] for row in rows):
        old = {"run": run, "step": 0, "layer": "layers.0"}
        measures += [old | {"name": "gamma_mean", "value": 1.0}]
        new = old | {"step": 400}
        measures += [new | {"name": name, "value": float(x)} for name, x in values.items()]
        other = {"tensor": "input", "mean": 9.0, "std": 9.0}
        y = {"tensor": "pre_activation", "mean": y_mean, "std": y_std}
        activations += [old | {"tensor": "pre_activation", "mean": 5.0, "std": 5.0}]
        activations += [new | other, new | y]
        activations += [new | y | {"layer": "head", "mean": 7.0}]  # without a norm
    return make(rows, measures=measures, activations=activations)


def test_x_hat_is_found_under_gamma_and_beta() -> None:
    found = after_training(one_layer([0.5, 1.5], [0.3, -0.1], 0.0, 1.0), Choices()).quantities
    assert found["xhat_mean"].centre == pytest.approx(0, abs=1e-12)
    assert found["xhat_std"].centre == pytest.approx(1)


def test_y_is_as_far_off_as_gamma_and_beta_are() -> None:
    found = after_training(one_layer([0.5, 1.5], [0.3, -0.1], 0.0, 1.0), Choices()).quantities
    assert found["y_mean"].centre == pytest.approx(np.sqrt((0.09 + 0.01) / 2))
    assert found["y_std"].centre == pytest.approx(0.5)


def test_an_x_hat_that_is_not_normalised_is_seen() -> None:
    equal = [1.2, 1.2]
    found = after_training(one_layer(equal, [0.0, 0.0], 0.4, 0.7), Choices()).quantities
    assert found["xhat_mean"].centre == pytest.approx(0.4)
    assert found["xhat_std"].centre == pytest.approx(0.7)


def test_runs_that_did_not_train_are_left_out() -> None:
    finding = after_training(make(arm("bn", "diverged", model__norm="batch")), Choices())
    assert not finding.quantities
    assert "No run" in finding.summary
    assert finding.notes == ("Of 4 runs 4 diverged.",)
