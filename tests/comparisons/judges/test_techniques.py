"""The recommended norm is held against each of the others, at the rates that pilots chose."""

from typing import Any

import pytest

from bnexp.comparisons.judges.techniques import CASES, best_for
from tests.comparisons.judges.tables import arm, choices, make

BEST = {
    f"model.kind={kind} model.norm={norm}": 0.1
    for kind in ("mlp", "cnn")
    for norm in ("none", "batch", "layer", "group", "instance")
}
CHOSEN = choices(best=BEST, small=BEST)


def net(
    norm: str, test: float, lr: float = 0.1, kind: str = "mlp", size: int = 64
) -> list[dict[str, Any]]:
    """Two runs, one with two points more on the test split."""
    return arm(
        f"{kind} {norm} {size} {lr}", seeds=2, model__kind=kind, model__norm=norm,
        data__batch_size=size, optimizer__lr=lr, test_accuracy=(test, test + 0.02),
    )  # fmt: skip


def test_every_rival_is_a_quantity_of_its_own() -> None:
    rows = [*net("batch", 0.9), *net("batch", 0.99, lr=0.5), *net("layer", 0.84), *net("none", 0.8)]
    found = best_for(make(rows), CHOSEN)
    assert found.quantities["mlp_over_layer"].centre == pytest.approx(6)
    assert found.quantities["mlp_over_none"].centre == pytest.approx(10)
    assert found.quantities["mlp_over_group"].n == 0
    assert set(found.quantities) == {f"{c}_over_{r}" for c in CASES for r in CASES[c].rivals}
    assert "+6 points over layer norm" in found.summary
    assert found.table.set_index("norm")["rank"].to_dict() == {"batch": 1, "layer": 2, "none": 3}


def test_small_batches_are_a_case_of_their_own() -> None:
    rows = [
        *net("group", 0.8, kind="cnn", size=2), *net("batch", 0.7, kind="cnn", size=2),
        *net("group", 0.8, kind="cnn"), *net("batch", 0.95, kind="cnn"),
    ]  # fmt: skip
    found = best_for(make(rows), CHOSEN).quantities
    assert found["small_over_batch"].centre == pytest.approx(10)
    assert found["cnn_over_group"].centre == pytest.approx(15)


def test_nothing_was_chosen() -> None:
    found = best_for(make(net("batch", 0.9)), choices())
    assert found.summary == "No net was trained with two norms"
