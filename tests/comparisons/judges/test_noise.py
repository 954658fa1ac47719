import pytest

from bnexp.comparisons.choices import Choices
from bnexp.comparisons.judges.noise import SIZES, formula, jitter
from bnexp.runs.tables import Runs
from tests.comparisons.judges.measured import measured
from tests.comparisons.judges.tables import arm, make

FACTORS = dict(zip(SIZES, (0.9, 0.95, 1.0, 1.1, 1.2), strict=True))


def sweep() -> Runs:
    rows, measures = [], []
    for size, factor in FACTORS.items():
        rows += arm(f"b{size}", data__batch_size=size)
        for seed in range(4):
            predicted = 1.5 / size * (1 + 0.1 * seed)
            measures += measured(
                f"b{size} {seed}", "layers.0", xhat_jitter=factor * predicted,
                xhat_jitter_predicted=predicted,
            )  # fmt: skip
    return make(rows, measures=measures)


def test_the_claim_is_read_off_the_variance() -> None:
    found = jitter(sweep(), Choices())
    assert found.quantities["jitter_32"].centre == pytest.approx(1.5 * 1.15 / 32)
    assert len(found.table) == len(SIZES)


def test_the_formula_is_held_against_it() -> None:
    found = formula(sweep(), Choices()).quantities
    for size, factor in FACTORS.items():
        assert found[f"ratio_{size}"].centre == pytest.approx(factor)
    assert found["scaling"].centre == pytest.approx(16 * 0.9 / 1.2)


def test_nothing_was_probed() -> None:
    found = formula(make(arm("b8", "diverged", data__batch_size=8)), Choices())
    assert not any(quantity.n for quantity in found.quantities.values())
