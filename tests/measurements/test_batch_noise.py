import pytest

from bnexp.measurements.batch_noise import measure, relu_excess


@pytest.mark.parametrize(("size", "percent"), [(2, 25.3), (4, 8.5), (8, 3.6), (16, 1.7), (32, 0.8)])
def test_relu_excess_in_percent(size: int, percent: float) -> None:
    assert 100 * relu_excess(size) == pytest.approx(percent, abs=0.05)


def test_layers_follow_the_closed_forms() -> None:
    rows = measure(0, sizes=[2, 8], channels=500, batches=300)
    found = {(layer, name): value for layer, name, value in rows}
    for (layer, name), value in found.items():
        if f"{name}_predicted" in dict.fromkeys(other for _, other in found):
            predicted = found[layer, f"{name}_predicted"]
            assert value == pytest.approx(predicted, rel=0.05), (layer, name)
    assert found["batch_8", "largest"] <= 7**0.5
    assert found["batch_8", "mean_variance_predicted"] == 4 / 8
    assert found["batch_8", "kurtosis_predicted"] == pytest.approx(3 * 7 / 9)
    assert found["batch_8", "variance_spread_predicted"] == pytest.approx((2 / 7) ** 0.5)
    assert found["batch_8", "running_mean_spread_predicted"] == pytest.approx(
        2 / 8**0.5 * (0.1 / 1.9) ** 0.5
    )
