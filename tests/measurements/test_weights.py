import pytest

from bnexp.measurements.weights import measure


@pytest.fixture(scope="module")
def found() -> dict[str, float]:
    rows = measure(3, inputs=12, outputs=8, iterations=(1, 4, 400))
    return {name: value for _, name, value in rows}


def test_weight_norm_is_the_formula(found: dict[str, float]) -> None:
    assert found["largest_error"] < 1e-14


def test_power_iteration_rises_to_the_largest_singular_value(found: dict[str, float]) -> None:
    assert found["sigma_after_1"] < found["sigma_after_4"] < 1 + 1e-12
    assert found["sigma_after_400"] == pytest.approx(1, abs=1e-9)
    assert found["largest_singular_value"] == pytest.approx(1, abs=1e-9)


def test_seeds_draw_other_weights() -> None:
    assert measure(0, 12, 8, (1,)) == measure(0, 12, 8, (1,))
    assert measure(0, 12, 8, (1,)) != measure(1, 12, 8, (1,))
