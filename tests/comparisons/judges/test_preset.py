import pytest

from bnexp.comparisons.judges.preset import trains
from tests.comparisons.judges.tables import arm, make


def runs(outcome="trained"):
    rows = arm("net", outcome, 3, data__classes=2, test_accuracy=(0.8, 0.9, 0.85))
    epochs = [
        {"run": row["run"], "epoch": epoch, "step": step, "train_loss": loss}
        for row in rows
        for epoch, step, loss in ((1, 10, 0.5), (0, 0, 0.8), (2, 20, 0.2))
    ]
    return make(rows, epochs=epochs)


def test_accuracy_above_chance_and_fall_of_the_loss():
    found = trains(runs())
    assert found.quantities["above_chance"].values.tolist() == pytest.approx([30, 40, 35])
    assert found.quantities["loss_fall"].values.tolist() == pytest.approx([4, 4, 4])
    assert "3 of 3 runs trained, to 85.0% test accuracy (chance: 50%)" in found.summary
    assert "fell 4.0 times" in found.summary


def test_nothing_trained():
    found = trains(runs("not trained"))
    assert found.summary == "0 of 3 runs trained"
    assert found.quantities["above_chance"].n == found.quantities["loss_fall"].n == 0
