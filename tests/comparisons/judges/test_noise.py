import pytest

from bnexp.comparisons.judges.noise import jitter
from tests.comparisons.judges.measured import measured
from tests.comparisons.judges.tables import arm, make


def test_ratios_and_scaling() -> None:
    rows, measures = [], []
    for size, factor in ((8, 0.9), (32, 1.2)):
        rows += arm(f"b{size}", data__batch_size=size)
        for seed in range(4):
            predicted = 1.5 / size * (1 + 0.1 * seed)
            measures += measured(
                f"b{size} {seed}", "layers.0", xhat_jitter=factor * predicted,
                xhat_jitter_predicted=predicted,
            )  # fmt: skip
    found = jitter(make(rows, measures=measures))
    centre = {name: quantity.centre for name, quantity in found.quantities.items()}
    assert centre == pytest.approx(
        {"jitter_8": 0.9 * 1.5 * 1.15 / 8, "jitter_32": 1.2 * 1.5 * 1.15 / 32,
         "ratio_8": 0.9, "ratio_32": 1.2, "scaling": 0.75}
    )  # fmt: skip
    assert "is 0.9 to 1.2 times the prediction" in found.summary


def test_nothing_trained() -> None:
    found = jitter(make(arm("b8", "diverged", data__batch_size=8)))
    assert (found.quantities, found.summary) == ({}, "No net trained")
