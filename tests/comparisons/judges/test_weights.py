import numpy as np
import pytest

from bnexp.comparisons.judges.weights import power_iteration
from bnexp.comparisons.working import Working
from bnexp.measurements.weights import measure
from tests.comparisons.judges.rows import judged, measured_by, value


@pytest.fixture(scope="module")
def working() -> Working:
    return judged("A15", measured_by(("weights", {}, measure(0, inputs=20, outputs=30))))


def test_the_example_by_hand(working: Working) -> None:
    assert value(working, "norm(v)") == 5
    assert value(working, "weight norm: w_1") == pytest.approx(1.2)
    assert value(working, "weight norm: w_2") == pytest.approx(1.6)
    # [[3, 0], [4, 5]]: W W' has trace 50 and determinant 225, so eigenvalues 45 and 5
    assert value(working, "sigma(W), by singular value decomposition") == pytest.approx(45**0.5)
    assert value(working, "sigma(W) after 20 power iterations") == pytest.approx(45**0.5)


def test_pytorch_agrees_with_the_formulas(working: Working) -> None:
    label = "PyTorch's weight norm: largest difference from g v / norm(v)"
    assert value(working, label) < 1e-12
    label = "PyTorch's sigma after 100 power iterations, over the true one"
    assert value(working, label) == pytest.approx(1, abs=1e-3)


def test_one_iteration_underestimates_sigma(working: Working) -> None:
    label = "PyTorch's sigma after 1 power iterations, over the true one"
    assert 0.3 < value(working, label) < 0.999


def test_power_iteration_of_a_diagonal_matrix() -> None:
    w = np.diag([2.0, 1.0])
    # from u = (1, 1)/sqrt 2: v = (2, 1)/sqrt 5, W v = (4, 1)/sqrt 5
    assert power_iteration(w, 1) == pytest.approx(np.sqrt(17 / 5))
    assert power_iteration(w, 30) == pytest.approx(2)
