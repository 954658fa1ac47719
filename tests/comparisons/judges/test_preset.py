import pytest

from bnexp.comparisons.choices import Choices
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
    found = trains(runs(), Choices())
    above = [reading.low for reading in found.quantities["above_chance"].readings.values()]
    fall = [reading.low for reading in found.quantities["loss_fall"].readings.values()]
    assert above == pytest.approx([30, 40, 35])
    assert fall == pytest.approx([4, 4, 4])
    assert "85.0% test accuracy (chance: 50%)" in found.summary
    assert "falls 4.0 times" in found.summary


def test_a_net_at_chance_level_counts():
    found = trains(runs("not trained"), Choices())
    assert found.quantities["above_chance"].n == 3
    assert found.notes == ("Of 3 runs 3 ended at chance level.",)
