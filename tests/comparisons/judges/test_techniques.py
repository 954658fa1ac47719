"""The recommended norm is held against its best rival, chosen on the validation split."""

from typing import Any

import pytest

from bnexp.comparisons.judges.techniques import best_for
from tests.comparisons.judges.tables import arm, make


def net(
    norm: str,
    test: float,
    val: float,
    lr: float = 0.1,
    kind: str = "mlp",
    size: int = 64,
    outcome: str = "trained",
) -> list[dict[str, Any]]:
    """Two runs, one with two points more on the test split."""
    return arm(
        f"{kind} {norm} {size} {lr}", outcome, seeds=2, model__kind=kind, model__norm=norm,
        data__batch_size=size, optimizer__lr=lr, test_accuracy=(test, test + 0.02),
        val_accuracy=val,
    )  # fmt: skip


def test_lead_over_the_best_rival_by_validation() -> None:
    found = best_for(
        make(
            [
                *net("batch", 0.90, 0.5, lr=0.1),
                *net("batch", 0.80, 0.9, lr=0.5),  # chosen: validation decides, not the test split
                *net("layer", 0.84, 0.8),
                *net("group", 0.99, 0.7),
            ]
        )
    )
    assert found.quantities["mlp"].centre == pytest.approx(-4)
    assert "layer norm" in found.summary
    best = found.table.set_index("norm")
    assert best["rank"].to_dict() == {"group": 1, "layer": 2, "batch": 3}
    assert best["lr"]["batch"] == 0.5


def test_small_batches_are_a_case_of_their_own() -> None:
    rows = [
        *net("group", 0.8, 0.8, kind="cnn", size=2),
        *net("batch", 0.7, 0.7, kind="cnn", size=2),
        *net("group", 0.8, 0.8, kind="cnn"),
        *net("batch", 0.95, 0.9, kind="cnn"),
    ]
    found = best_for(make(rows))
    assert found.quantities["small_batch_cnn"].centre == pytest.approx(10)
    assert found.quantities["cnn"].centre == pytest.approx(15)


def test_norms_outside_the_table_are_ranked_but_no_rivals() -> None:
    accuracy = {"layer": 0.9, "batch": 0.85, "recurrent_batch": 0.94}
    rows = [row for norm, a in accuracy.items() for row in net(norm, a, a, kind="rnn")]
    found = best_for(make(rows))
    assert found.quantities["rnn"].centre == pytest.approx(5)
    assert found.table["norm"].tolist() == ["recurrent_batch", "layer", "batch"]


def test_norms_that_never_trained_are_no_rivals() -> None:
    lost = net("layer", 0.1, 0.99, outcome="not trained")
    found = best_for(make([*net("batch", 0.8, 0.8), *lost, *net("none", 0.7, 0.7)]))
    assert found.quantities["mlp"].centre == pytest.approx(10)
    assert found.notes == ("Of 6 runs 2 ended at chance level; no average counts them.",)
