import math

import pandas as pd
import pytest

from bnexp.comparisons.judges.learning_rates import (
    fastest,
    largest_trained,
    rate_ratio,
    section_8_table,
    stable_ratio,
    tuned,
)
from tests.comparisons.judges.tables import arm, make

RATES = (0.01, 0.1, 1, 10)


def ladder(norm, last, seeds=4, optimizer="sgd", depth=None, **results):
    """Runs at RATES that train up to `last`, the accuracy the higher the larger the rate."""
    rows = []
    for rate in RATES:
        good = rate <= last
        rows += arm(
            f"{optimizer} {norm} {depth} {rate}",
            "trained" if good else "not trained",
            seeds,
            model__norm=norm,
            model__depth=depth,
            optimizer__name=optimizer,
            optimizer__lr=rate,
            epochs=20,
            val_accuracy=0.9 + 0.01 * RATES.index(rate) if good else 0.1,
            **{"test_accuracy": 0.9 if good else 0.1} | results,
        )
    return rows


def reaching(rows, epoch):
    """Evaluations that have the target from `epoch` on."""
    return [
        {"run": row["run"], "epoch": at, "step": 20 * at, "val_accuracy": 0.95 * (at >= epoch)}
        for row in rows
        for at in range(21)
    ]


def outcomes(*words):
    return pd.DataFrame({"seed": 0, "optimizer.lr": RATES[: len(words)], "outcome": words})


@pytest.mark.parametrize(
    ("words", "largest"),
    [
        (("trained", "trained", "diverged", "trained"), 0.1),  # a lucky run further up: no
        (("not trained", "trained", "trained", "not trained"), 1),  # too small a rate: no matter
        (("trained", "trained", "trained", "trained"), 10),
        (("diverged", "not trained"), None),
    ],
)
def test_largest_stable_rate_ends_at_the_first_failure(words, largest):
    assert largest_trained(outcomes(*words)).to_dict() == ({} if largest is None else {0: largest})


def test_ratio_is_by_seed_and_as_uncertain_as_the_grid():
    rows = pd.DataFrame(ladder("none", 0.01) + ladder("batch", 1))
    found = rate_ratio(rows)
    assert found.centre == pytest.approx(100)
    assert found.grid == pytest.approx(10)
    assert found.bound == ""
    assert found.interval == pytest.approx((10, 1000))


@pytest.mark.parametrize(
    ("plain", "normed", "n", "bound"),
    [(0.1, 10, 4, "least"), (10, 0.1, 4, "most"), (10, 10, 0, "")],
)
def test_at_the_top_of_the_grid_a_ratio_is_a_bound(plain, normed, n, bound):
    found = rate_ratio(pd.DataFrame(ladder("none", plain) + ladder("batch", normed)))
    assert (found.n, found.bound) == (n, bound)


def test_bounds_on_either_side_leave_the_other_seeds():
    rows = pd.DataFrame(ladder("none", 0.1) + ladder("batch", 1))
    both = (rows["seed"] == 0) & (rows["model.norm"] == "batch")
    both |= (rows["seed"] == 1) & (rows["model.norm"] == "none")
    rows.loc[both, "outcome"] = "trained"
    found = rate_ratio(rows)
    assert found.values.to_dict() == pytest.approx({2: 10, 3: 10})
    assert found.bound == ""


def test_b8_reads_each_optimizer_off_its_own_runs():
    rows = ladder("none", 0.01) + ladder("batch", 1)
    rows += ladder("none", 0.1, optimizer="adam") + ladder("batch", 1, optimizer="adam")
    found = stable_ratio(make(rows))
    assert found.quantities["sgd"].centre == pytest.approx(100)
    assert found.quantities["adam"].centre == pytest.approx(10)
    assert "100 times with SGD and 10 times with Adam" in found.summary
    assert len(found.table) == 16
    assert "28 ended at chance level" in found.notes[-1]


@pytest.mark.parametrize(
    ("times", "rate"),
    [
        ({0.01: (8, 8), 0.1: (4, 6), 1: (5, 5), 10: (99, 99)}, 0.1),  # of equals the smaller
        ({0.01: (8, 8), 0.1: (99, 4), 1: (5, 5), 10: (99, 99)}, 1),  # one that misses is no gain
        ({0.01: (99, 99), 0.1: (99, 99), 1: (99, 99), 10: (99, 99)}, 1),  # best by validation
    ],
)
def test_fastest_rate_is_by_the_median_time_to_the_target(times, rate):
    rows = ladder("none", 1, seeds=2)
    epochs = [
        line for row in rows for line in reaching([row], times[row["optimizer.lr"]][row["seed"]])
    ]
    made = make(rows, epochs=epochs)
    assert fastest(made, made.runs, 0.95)["optimizer.lr"].tolist() == [rate] * 2


def test_tuned_takes_the_best_rate_of_each_value_and_the_smallest_where_none_trained():
    rows = ladder("none", 0.1, seeds=1, depth=2) + ladder("none", 0, seeds=1, depth=5)
    found = tuned(pd.DataFrame(rows), "model.depth")
    assert list(zip(found["model.depth"], found["optimizer.lr"], strict=True)) == [
        (2, 0.1), (5, 0.01),
    ]  # fmt: skip


def section_8():
    arms = {
        ("sgd", "none"): (0.1, 12, 0.90), ("sgd", "batch"): (1, 4, 0.92),
        ("adam", "none"): (0.1, 6, 0.91), ("adam", "batch"): (1, 3, 0.95),
    }  # fmt: skip
    rows, epochs = [], []
    for (optimizer, norm), (last, epoch, accuracy) in arms.items():
        new = ladder(norm, last, optimizer=optimizer, test_accuracy=accuracy)
        rows += new
        epochs += reaching(new, epoch)
    deep = ladder("none", 0.01, depth=10) + ladder("batch", 0.1, depth=10)
    return make(rows + deep, epochs=epochs + reaching(deep, 20))


def test_b7_compares_arms_at_their_own_best_rates():
    found = section_8_table(section_8())
    quantities = {name: quantity.centre for name, quantity in found.quantities.items()}
    assert quantities == pytest.approx(
        {"sgd_epochs": 3, "adam_epochs": 2, "gain": 3, "deep_rate": 10}
    )
    assert "3 times sooner with SGD and 2 times sooner with Adam" in found.summary
    assert "+3.0 points" in found.summary
    line = found.table.set_index(["hidden_layers", "optimizer", "norm"]).loc[
        ("as usual", "sgd", "batch norm")
    ]
    assert (line["largest_stable_lr"], line["best_lr"], line["epochs_to_target"]) == (1, 1, 4)
    assert (line["fastest_lr"], line["runs"], line["reached_target"]) == (0.01, 4, 4)


def test_b7_calls_a_missed_target_a_bound():
    runs = section_8()
    missed = runs.epochs["run"].str.startswith("sgd none None")
    runs.epochs.loc[missed, "val_accuracy"] = 0.5
    found = section_8_table(runs)
    assert found.quantities["sgd_epochs"].centre == pytest.approx(20 / 4)
    assert found.quantities["sgd_epochs"].bound == "least"
    assert "at least 5 times sooner" in found.summary
    line = found.table.set_index(["hidden_layers", "optimizer", "norm"]).loc[
        ("as usual", "sgd", "no norm")
    ]
    assert math.isinf(line["epochs_to_target"])


def test_b7_and_b8_without_a_trained_run():
    rows = ladder("none", 0) + ladder("batch", 0) + ladder("none", 0, depth=10)
    runs = make(rows, epochs=reaching(rows, 99))
    assert all(quantity.n == 0 for quantity in section_8_table(runs).quantities.values())
    assert "no pair of runs" in section_8_table(runs).summary
    assert stable_ratio(runs).summary.startswith("No ratio")
