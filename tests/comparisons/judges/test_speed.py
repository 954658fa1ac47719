import math

import pytest

from bnexp.comparisons.judges.speed import convergence, step_cost
from bnexp.comparisons.readings import Reading
from tests.comparisons.judges.tables import arm, choices, make

# epochs to the target, by norm and learning rate; None where it is missed
TIMES = {
    ("none", 0.01): None, ("none", 0.1): 16, ("none", 1.0): 8,
    ("batch", 0.1): 4, ("batch", 1.0): 2,
}  # fmt: skip
CHOSEN = choices(
    targets={"target": 0.95, "source": 0.95},
    accurate={"model.norm=none": 1.0, "model.norm=batch": 1.0},
    fastest={"model.norm=none": 1.0, "model.norm=batch": 1.0},
    equal={"": 1.0},
)


def runs(seconds=(0.002, 0.003)):
    rows, epochs, steps = [], [], []
    for (norm, lr), at in TIMES.items():
        new = arm(f"{norm} {lr}", model__norm=norm, optimizer__lr=lr, exclusive=False,
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
        timed = arm(f"timed {norm}", model__norm=norm, optimizer__lr=0.1, exclusive=True)
        rows += timed
        steps += [{"run": row["run"], "step": step, "seconds": time * (1 + 99 * (step == 0))}
                  for row in timed for step in range(5)]  # fmt: skip
    return make(rows, epochs=epochs, steps=steps)


def test_times_lie_between_evaluations_and_a_missed_target_beyond_the_budget():
    found = convergence(runs(), CHOSEN).quantities
    assert found["source_epochs"].readings == dict.fromkeys(range(4), Reading(20 / 4, math.inf))
    assert found["equal_epochs"].readings[0] == Reading(7 / 2, 8 / 1)
    assert found["best_epochs"].readings[3] == Reading(7 / 2, 8 / 1)
    assert found["source_loss"].readings[0] == Reading(8 / 2, 9 / 1)
    assert found["best_accuracy"].centre == pytest.approx(1)


def test_seconds_count_the_dearer_step():
    found = convergence(runs(), CHOSEN)
    seconds = found.quantities["best_seconds"]
    assert seconds.timed
    assert seconds.readings[0].low == pytest.approx(7 / 2 * 2 / 3)
    assert found.quantities["source_seconds"].readings[0].high == math.inf
    assert "takes 1.5 times as long" in found.notes[0]
    assert "at least 5 at the source's rates (to 95%)" in found.summary


def test_step_cost_is_the_median_by_seed_so_a_slow_first_step_does_not_count():
    assert {s: r.low for s, r in step_cost(runs()).items()} == pytest.approx(
        dict.fromkeys(range(4), 2 / 3)
    )


def test_without_exclusive_runs_there_are_no_seconds():
    made = runs()
    rows = made.runs[~made.runs["exclusive"].astype(bool)]
    found = convergence(
        make(rows.to_dict("records"), epochs=made.epochs.to_dict("records")), CHOSEN
    )
    assert found.quantities["best_seconds"].n == 0
    assert found.quantities["best_epochs"].n == 4
