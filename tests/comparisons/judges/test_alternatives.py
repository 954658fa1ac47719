"""Batch renorm, weight norm and spectral norm on made-up runs with known differences."""

from typing import Any

import pytest

from bnexp.comparisons.judges.alternatives import of_section_11
from tests.comparisons.judges.tables import arm, choices, make

Rows = list[dict[str, Any]]
CHOSEN = choices(
    best={
        f"model.kind={kind} model.norm={norm}": lr
        for kind in ("mlp", "cnn")
        for norm, lr in (("batch", 0.1), ("weight", 0.5))
    },
    small={
        f"model.norm={norm} data.batch_size={size}": 0.1
        for norm in ("batch", "batch_renorm")
        for size in (2, 4)
    },
)


def net(
    norm: str, test: float, kind: str = "cnn", size: int = 64, lr: float = 0.1, timed: bool = False
) -> Rows:
    """Two runs, one with two points more."""
    return arm(
        f"{kind} {norm} {size} {lr} {timed}", seeds=2, device="cpu", model__kind=kind,
        model__norm=norm, data__batch_size=size, optimizer__lr=lr, exclusive=timed,
        test_accuracy=(test, test + 0.02),
    )  # fmt: skip


def test_batch_renorm_at_small_batches() -> None:
    rows = [
        *net("batch", 0.6, size=2),
        *net("batch_renorm", 0.75, size=2),
        *net("batch", 0.8, size=4),
        *net("batch_renorm", 0.78, size=4),
    ]
    found = of_section_11(make(rows), CHOSEN)
    assert found.quantities["renorm_at_2"].centre == pytest.approx(15)
    assert found.quantities["renorm_at_4"].centre == pytest.approx(-2)


def test_weight_norm_at_its_chosen_rate_and_timed_alone() -> None:
    rows = [
        *net("batch", 0.90),
        *net("weight", 0.95, lr=0.1),
        *net("weight", 0.85, lr=0.5),
        *net("batch", 0.5, kind="mlp"),
        *net("weight", 0.6, kind="mlp", lr=0.5),
        *net("batch", 0.1, timed=True),
        *net("weight", 0.1, timed=True),
    ]
    steps = [
        {"run": f"cnn {norm} 64 0.1 True {seed}", "step": step, "seconds": seconds}
        for norm, seconds in (("batch", 0.004), ("weight", 0.003))
        for seed in range(2)
        for step in range(10, 20)
    ]
    found = of_section_11(make(rows, steps=steps), CHOSEN).quantities
    assert found["weight_cnn"].centre == pytest.approx(-5)
    assert found["weight_mlp"].centre == pytest.approx(10)
    assert found["weight_time"].centre == pytest.approx(0.75)
    assert found["weight_time"].timed


def test_the_bounds_are_those_of_the_measurement() -> None:
    checks = arm("check", "measured", seeds=3, check__name="lipschitz")
    values = [
        {"run": f"check {seed}", "layer": layer, "name": name, "value": value}
        for seed in range(3)
        for layer, name, value in (
            ("none", "bound", 4.0), ("none", "slope", 3.0), ("spectral", "bound", 1.0)
        )
    ]  # fmt: skip
    found = of_section_11(make([*net("batch", 0.9), *checks], measures=values), CHOSEN)
    assert found.quantities["bound_none"].centre == 4
    assert found.quantities["slope_none"].centre == 3
    assert found.quantities["bound_spectral"].n == 3
    assert found.summary.endswith("slope by 1, not 4")
