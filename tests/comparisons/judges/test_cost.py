"""Known step times give known ratios; memory is read off the records."""

from typing import Any

import pytest

from bnexp.comparisons.choices import Choices
from bnexp.comparisons.judges.cost import of_a_step, step_time
from tests.comparisons.judges.tables import arm, make

Rows = list[dict[str, Any]]


def net(norm: str, saved: int = 1000) -> Rows:
    """Two runs that did not train, which does not matter to their times."""
    return arm(
        norm, "not trained", seeds=2, device="cpu", model__norm=norm, parameters=50,
        saved_for_backward_bytes=saved, model__kind="cnn", model__widths=[16, 32, 64],
    )  # fmt: skip


def steps(norm: str, milliseconds: float) -> Rows:
    """Twenty steps of both runs: the first ten take a second, so does the fifteenth."""
    return [
        {"run": f"{norm} {seed}", "step": step, "seconds": milliseconds / 1000}
        | ({"seconds": 1.0} if step < 10 or step == 15 else {})
        for seed in range(2)
        for step in range(20)
    ]


TIMES = [*steps("none", 2.0), *steps("batch", 2.5)]


def test_ratio_of_medians_without_the_first_steps() -> None:
    found = of_a_step(make([*net("none"), *net("batch", saved=3000)], steps=TIMES), Choices())
    assert found.quantities["time_small"].centre == pytest.approx(1.25)
    table = found.table.set_index("norm")
    assert table["ms_per_step"]["none"] == pytest.approx(2.0)
    assert table["saved_times_bare"]["batch"] == pytest.approx(3)
    assert "1.25 times as long in a small CNN" in found.summary


def test_nets_are_timed_apart() -> None:
    other = [row | {"run": f"r {row['run']}", "model.kind": "resnet"} for row in net("batch")]
    found = of_a_step(make([*net("none"), *net("batch"), *other], steps=TIMES), Choices())
    assert found.quantities["time_small"].timed
    assert found.quantities["time_residual"].n == 0  # there is no bare one to hold it against


def test_on_an_accelerator_the_mean_over_all_steps() -> None:
    rows = arm("a", seeds=1, device="cuda", model__norm="none", seconds_training=3.0, steps=60)
    runs = make(rows)
    assert step_time(runs, runs.runs).tolist() == pytest.approx([50])


def test_running_statistics_from_the_check() -> None:
    check = arm("check", "measured", seeds=1, check__name="buffers")
    values = [
        {"run": "check 0", "layer": norm, "name": "buffer_bytes", "value": value}
        for norm, value in (("none", 0.0), ("batch", 1440.0))
    ]
    runs = make([*net("none"), *net("batch"), *check], steps=TIMES, measures=values)
    found = of_a_step(runs, Choices())
    assert found.quantities["buffers"].centre == 1440
    assert found.table.set_index("norm")["buffer_bytes"]["batch"] == 1440
