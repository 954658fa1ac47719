import numpy as np
import pandas as pd
import pytest

from bnexp.comparisons.finding import Quantity
from bnexp.comparisons.judges.speed import (
    best_accuracy,
    convergence,
    in_seconds,
    loss_reached,
    step_cost,
)
from tests.comparisons.judges.tables import arm, make

# epochs to the target, by norm and learning rate; None where it is missed; best is 1.0 for both
TIMES = {
    ("none", 0.01): None, ("none", 0.1): 16, ("none", 1.0): 8,
    ("batch", 0.01): 12, ("batch", 0.1): 4, ("batch", 1.0): 2,
}  # fmt: skip


def runs(seconds=(0.002, 0.003)):
    rows, epochs, steps = [], [], []
    for (norm, lr), at in TIMES.items():
        new = arm(f"{norm} {lr}", model__norm=norm, optimizer__lr=lr, exclusive=False, epochs=20,
                  val_accuracy=0.8 + lr / 10, test_accuracy=0.9)  # fmt: skip
        rows += new
        for row in new:
            for epoch in range(21):
                there = at is not None and epoch >= at
                epochs.append({"run": row["run"], "epoch": epoch, "step": 20 * epoch,
                               "val_accuracy": 0.95 if there else 0.5,
                               "test_accuracy": 0.97 if norm == "batch" else 0.96,
                               "train_loss": 0.2 if epoch >= (at or 18) / 2 else 2.0})  # fmt: skip
    for norm, time in zip(("none", "batch"), seconds, strict=True):
        timed = arm(f"timed {norm}", model__norm=norm, optimizer__lr=0.1, exclusive=True,
                    epochs=5, val_accuracy=0.99, test_accuracy=0.9)  # fmt: skip
        rows += timed
        steps += [{"run": row["run"], "step": step, "seconds": time * (1 + 99 * (step == 0))}
                  for row in timed for step in range(5)]  # fmt: skip
    return make(rows, epochs=epochs, steps=steps)


def test_speedups_at_the_rates_of_the_source_at_equal_and_at_best_rates():
    found = convergence(runs()).quantities
    assert found["source_epochs"].centre == pytest.approx(20 / 4)
    assert found["source_epochs"].bound == "least"
    assert found["equal_epochs"].centre == pytest.approx(8 / 2)
    assert found["best_epochs"].centre == pytest.approx(8 / 2)
    assert found["best_epochs"].bound == ""
    assert found["source_loss"].centre == pytest.approx(9 / 2)
    assert found["best_accuracy"].centre == pytest.approx(1)


def test_seconds_count_the_dearer_step():
    found = convergence(runs())
    assert found.quantities["best_seconds"].centre == pytest.approx(4 * 2 / 3)
    assert found.quantities["source_seconds"].bound == "least"
    assert "takes 1.5 times as long" in found.notes[-1]
    assert "at least 5 at the source's rates" in found.summary


def test_step_cost_is_the_median_by_seed_so_a_slow_first_step_does_not_count():
    assert step_cost(runs()).to_dict() == pytest.approx(dict.fromkeys(range(4), 2 / 3))


def test_without_exclusive_runs_there_are_no_seconds():
    made = runs()
    rows = made.runs[~made.runs["exclusive"].astype(bool)]
    found = convergence(make(rows.to_dict("records"), epochs=made.epochs.to_dict("records")))
    assert found.quantities["best_seconds"].n == 0
    assert found.quantities["best_epochs"].n == 4


def test_in_seconds_keeps_to_the_seeds_that_were_timed():
    found = in_seconds(
        Quantity(pd.Series({0: 3.0, 1: 4.0, 2: 5.0}), "ratio", bound="least"),
        pd.Series({1: 0.5, 2: 0.5, 3: 0.5}),
    )
    assert found.values.to_dict() == {1: 2, 2: 2.5}
    assert found.bound == "least"


def test_loss_is_reached_once_and_never_by_a_diverged_run():
    rows = arm("a", "trained", 1) + arm("b", "diverged", 1) + arm("c", "trained", 1)
    losses = {"a 0": (2, 0.3, 0.1, 0.3), "b 0": (2, 0.1), "c 0": (2, 1)}
    epochs = [
        {"run": run, "epoch": epoch, "train_loss": loss}
        for run, curve in losses.items()
        for epoch, loss in enumerate(curve)
    ]
    made = make(rows, epochs=epochs)
    assert loss_reached(made, made.runs).tolist() == [1.5, np.inf, np.inf]  # halfway from 0.3


def test_best_accuracy_is_where_validation_is_best():
    curve = [(0.5, 0.99), (0.9, 0.7), (0.8, 0.95)]
    epochs = [
        {"run": "a 0", "epoch": epoch, "val_accuracy": val, "test_accuracy": test}
        for epoch, (val, test) in enumerate(curve)
    ]
    made = make(arm("a", seeds=1), epochs=epochs)
    assert best_accuracy(made, made.runs).tolist() == [0.7]
