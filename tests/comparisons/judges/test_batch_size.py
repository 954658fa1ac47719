"""Known accuracies at every batch size give known differences and refusals."""

from typing import Any

import pytest

from bnexp.comparisons.choices import Choices
from bnexp.comparisons.judges.batch_size import by_batch_size
from tests.comparisons.judges.tables import arm, choices, make

Rows = list[dict[str, Any]]
BATCH = {2: 0.60, 4: 0.80, 8: 0.88, 16: 0.90, 32: 0.91}


def cells(norm: str, accuracy: dict[int, float], rate: float = 0.01) -> Rows:
    """Two runs at every batch size, around the given test accuracy."""
    rows = []
    for size, a in accuracy.items():
        rows += arm(
            f"{norm} {size} {rate}", seeds=2, model__norm=norm, data__batch_size=size,
            optimizer__lr=rate * size, steps=2560 // size, test_accuracy=(a - 0.01, a + 0.01),
        )  # fmt: skip
    return rows


def chosen(*norms: str, rate: float = 0.01) -> Choices:
    """The rates that `cells` has, for every norm and batch size."""
    sizes = (1, *BATCH)
    return choices(
        best={
            f"model.norm={n} data.batch_size={size}": rate * size for n in norms for size in sizes
        }
    )


def refused_cell() -> Rows:
    own = {"run": None, "reason": "data.batch_size=1: needs more than one value"}
    rows = arm("", "refused", 2, model__norm="batch", data__batch_size=1, optimizer__lr=0.01)
    return [row | own for row in rows]


def test_differences_to_batch_size_32_in_points() -> None:
    layer = cells("layer", {1: 0.89, 32: 0.90})
    found = by_batch_size(
        make([*refused_cell(), *cells("batch", BATCH), *layer]), chosen("batch", "layer")
    )
    centres = {name: quantity.centre for name, quantity in found.quantities.items()}
    assert centres["batch_at_2"] == pytest.approx(-31)
    assert centres["batch_at_8"] == pytest.approx(-3)
    assert centres["batch_at_16"] == pytest.approx(-1)
    assert centres["layer_at_1"] == pytest.approx(-1)
    assert centres["refused_at_1"] == 100
    assert "group_at_1" not in found.quantities
    assert "points at batch size 2" in found.summary


def test_the_table_gives_the_rate_of_every_cell() -> None:
    table = by_batch_size(make([*refused_cell(), *cells("batch", BATCH)]), chosen("batch")).table
    at = table.set_index("batch_size")
    assert at["lr"][32] == pytest.approx(0.32)
    assert at["accuracy"][16] == pytest.approx(90)
    assert at["refused"][1] == 2


def test_mismatch_counts_either_way() -> None:
    rows = arm("a", seeds=2, model__norm="batch", data__batch_size=2, steps=9,
               test_accuracy=(0.5, 0.6))  # fmt: skip
    modes = [
        {"run": "a 0", "step": 0, "test_accuracy_train_mode": 0.1},
        {"run": "a 0", "step": 9, "test_accuracy_train_mode": 0.7},
        {"run": "a 1", "step": 9, "test_accuracy_train_mode": 0.3},
    ]
    found = by_batch_size(make(rows, epochs=modes), chosen("batch", rate=0.05))
    assert found.quantities["mismatch_at_2"].centre == pytest.approx(25)
    assert found.table["train_mode"].tolist() == pytest.approx([50])


def test_the_layer_alone_is_told_of() -> None:
    check = arm("check", "measured", 2, check__name="refusals")
    values = [
        {"run": f"check {seed}", "layer": layer, "name": name, "value": value}
        for seed, difference in ((0, 0.25), (1, 0.5))
        for layer, name, value in (
            ("ValueError: one value", "batch_of_one", 1.0),
            ("BatchNorm2d", "difference_from_instance_norm", difference),
        )
    ]
    notes = by_batch_size(
        make([*cells("batch", BATCH), *check], measures=values), chosen("batch")
    ).notes
    assert "BatchNorm1d by itself on one sample: ValueError: one value" in notes
    assert "0.5 at most" in notes[-1]
    assert len(notes) == 2
