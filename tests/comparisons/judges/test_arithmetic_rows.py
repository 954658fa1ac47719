import math

import pytest

from bnexp.comparisons.config import load, names
from bnexp.comparisons.working import step_verdict
from bnexp.measurements import counts, handwritten, random_stream, weights
from tests.comparisons.judges.rows import judged, measured_by

MEASURES = {
    "counts": counts.measure,
    "handwritten": handwritten.measure,
    "random_stream": random_stream.measure,
    "weights": weights.measure,
}
ARITHMETIC = [f"A{number}" for number in range(1, 21) if number != 17]


def test_every_arithmetic_row_is_there() -> None:
    found = [name for name in names() if load(name).kind == "arithmetic"]
    assert [name for name in found if name.startswith("A")] == ARITHMETIC
    assert load("A17").kind == "training"


@pytest.mark.parametrize("name", ARITHMETIC)
def test_every_step_is_finite_and_every_number_judged(name: str) -> None:
    comparison = load(name)
    checks = [
        (c.name, c.options, MEASURES[c.name](0, **c.options)) for c in comparison.measurements
    ]
    working = judged(name, measured_by(*checks) if checks else None)
    assert working.steps
    for step in working.steps:
        assert math.isfinite(step.value), step.label
        if step.explains:
            assert step_verdict(step) == "erratum", step.label
        if step.printed is not None:
            assert step.line is not None, step.label
    assert working.summary
