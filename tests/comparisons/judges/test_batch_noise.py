import pytest

from bnexp.comparisons.choices import Choices
from bnexp.comparisons.judges.batch_noise import CLOSED_FORMS, closed_forms
from tests.comparisons.judges.measured import measured
from tests.comparisons.judges.tables import arm, make


def test_ratios_to_the_closed_forms() -> None:
    measures = []
    for seed in range(4):
        for size, factor in ((2, 1.1), (8, 0.9)):
            values = dict.fromkeys(CLOSED_FORMS, 3 * factor)
            values |= {f"{name}_predicted": 3.0 for name in CLOSED_FORMS}
            values |= {"largest": 2.0 + 0.1 * seed, "largest_predicted": 2.5}
            measures += measured(f"check {seed}", f"batch_{size}", **values)
    found = closed_forms(make(arm("check", "measured", check__name="batch_noise"),
                              measures=measures), Choices())  # fmt: skip
    centre = {name: quantity.centre for name, quantity in found.quantities.items()}
    for name in CLOSED_FORMS:
        assert centre[name] == pytest.approx((1.1 * 0.9) ** 0.5)
    assert centre["relu_excess_2"] == pytest.approx(1.1)
    assert centre["relu_excess_8"] == pytest.approx(0.9)
    assert centre["largest_2"] == pytest.approx(2.15 / 2.5)
    assert len(found.table) == 2 * (len(CLOSED_FORMS) + 1)
