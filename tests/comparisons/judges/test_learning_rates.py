import math

import pytest

from bnexp.comparisons.choices import Choices, Chosen
from bnexp.comparisons.judges.learning_rates import section_8_table, stable_ratio
from bnexp.comparisons.readings import Reading
from tests.comparisons.judges.tables import arm, choices, make

HOW = {"until": 2.0, "whole": False}
ENDS = {"none": (0.25, 4), "batch": (0.25, 32)}  # what trains, of 1/8 ... 64


def searched(optimizer="sgd", ends=ENDS):
    """Brackets of both searches, and the runs that they come to."""
    entries, rows = [], []
    for norm, (low, high) in ends.items():
        where = {"optimizer.name": optimizer, "model.norm": norm}
        for name, end, span in (("stable", "largest", (1, 64)), ("useful", "smallest", (0.125, 2))):
            how = HOW | {"end": end}
            entries.append(Chosen("bracket", name, where, "optimizer.lr", how, 0.9, *span))
        for power in range(-3, 7):
            good = low <= 2.0**power <= high
            rows += arm(f"{norm} {power}", "trained" if good else "diverged", model__norm=norm,
                        optimizer__name=optimizer, optimizer__lr=2.0**power,
                        val_accuracy=0.95 if good else None)  # fmt: skip
    return Choices(tuple(entries)), make(rows)


def test_the_ratio_lies_between_the_neighbours_that_pass_and_fail():
    chosen, runs = searched()
    # without adam there are no brackets
    entries = [*chosen.entries, *searched("adam")[0].entries]
    found = stable_ratio(runs, Choices(tuple(entries)))
    assert found.quantities["sgd"].readings == dict.fromkeys(range(4), Reading(32 / 8, 64 / 4))
    width = found.quantities["sgd_width"].readings[0]
    assert (width.low, width.high) == (32 / 0.25 / (8 / 0.125), 64 / 0.125 / (4 / 0.25))
    assert "adam" not in found.quantities
    assert "8 times with SGD" in found.summary


def test_a_passed_upper_end_leaves_the_ratio_open_upwards():
    chosen, runs = searched(ends={"none": (0.25, 4), "batch": (0.25, 64)})
    entries = [*chosen.entries, *searched("adam")[0].entries]
    found = stable_ratio(runs, Choices(tuple(entries))).quantities["sgd"]
    assert found.readings[2] == Reading(64 / 8, math.inf)


def test_the_table_reads_each_arm_at_its_own_rates():
    rows, epochs = [], []
    for norm, at in (("none", 12), ("batch", 4)):
        for optimizer in ("sgd", "adam"):
            about = {"model__norm": norm, "optimizer__name": optimizer, "model__depth": None}
            fast = arm(f"fast {norm} {optimizer}", optimizer__lr=0.3, training__evaluate_every=0.2,
                       **about)  # fmt: skip
            epochs += [
                {
                    "run": row["run"],
                    "epoch": epoch,
                    "step": epoch,
                    "val_accuracy": 0.9 * (epoch >= at),
                }
                for row in fast
                for epoch in range(20)
            ]
            few = arm(f"few {norm} {optimizer}", optimizer__lr=0.1, training__evaluate_every=100,
                      data__train_size=200, test_accuracy=0.85 if norm == "none" else 0.87,
                      **about)  # fmt: skip
            rows += fast + few
    arms = {
        f"optimizer.name={optimizer} model.norm={norm}": 0.0
        for optimizer in ("sgd", "adam")
        for norm in ("none", "batch")
    }
    chosen = choices(
        target=0.9, fastest=dict.fromkeys(arms, 0.3), accurate=dict.fromkeys(arms, 0.1)
    )
    found = section_8_table(make(rows, epochs=epochs), chosen)
    assert found.quantities["sgd_epochs"].readings[0] == Reading(11 / 4, 12 / 3)
    assert found.quantities["adam_gain"].centre == pytest.approx(2)
    assert "+2 points" in found.summary
