import pytest

from bnexp.comparisons.judges.depth import deepest
from tests.comparisons.judges.tables import arm, make

DEPTHS = (2, 10, 20)


def nets(norm, reach, accuracy=0.9):
    """Runs at two rates: the smaller trains up to a depth, the larger one never."""
    rows = []
    for depth in DEPTHS:
        for lr in (0.1, 1.0):
            good = depth <= reach and lr < 1
            keys = {"model__norm": norm, "model__depth": depth, "optimizer__lr": lr}
            rows += arm(
                f"{norm} {depth} {lr}",
                "trained" if good else "not trained",
                **keys,
                test_accuracy=accuracy if good else 0.1,
                val_accuracy=0.9 if good else 0.1,
            )
    return rows


@pytest.mark.parametrize(
    ("plain", "normed", "ratio", "bound", "least"),
    [(2, 10, 5, "", ""), (10, 20, 2, "least", "least"), (20, 10, 0.5, "most", "")],
)
def test_deepest_net_that_trains_at_its_best_rate(plain, normed, ratio, bound, least):
    found = deepest(make(nets("none", plain) + nets("batch", normed)))
    assert found.quantities["deeper"].centre == pytest.approx(ratio)
    assert found.quantities["deeper"].bound == bound
    assert found.quantities["deeper"].grid == pytest.approx(5)
    assert found.quantities["deepest"].centre == normed
    assert found.quantities["deepest"].bound == least
    assert f"{normed} (batch norm) and {plain} (no norm)" in found.summary


def test_a_failure_below_ends_the_reach():
    rows = nets("none", 2) + nets("batch", 20)
    for row in rows:
        if row["run"] == "batch 10 0.1 0":
            row["outcome"] = "diverged"
    found = deepest(make(rows)).quantities["deepest"].values
    assert found.to_dict() == {0: 2, 1: 20, 2: 20, 3: 20}


def test_accuracy_is_compared_where_every_run_trained():
    rows = nets("none", 10) + nets("batch", 20, accuracy=0.94)
    assert deepest(make(rows)).quantities["deep_accuracy"].centre == pytest.approx(4)
    rows[8]["outcome"] = "not trained"  # without norm, 10 layers, the smaller rate
    assert rows[8]["model.depth"] == 10
    for row in rows:
        row["test_accuracy"] += 0.02 * (row["model.depth"] == 2 and row["model.norm"] == "batch")
    assert deepest(make(rows)).quantities["deep_accuracy"].centre == pytest.approx(6)


def test_nothing_trained():
    found = deepest(make(nets("none", 0) + nets("batch", 0)))
    assert all(quantity.n == 0 for quantity in found.quantities.values())
    assert found.summary.endswith("at none")
