import pytest

from bnexp.comparisons.judges.generalisation import gap, gaps_at_equal_loss
from bnexp.comparisons.readings import Reading
from tests.comparisons.judges.tables import arm, choices, make

CHOSEN = choices(best={"model.norm=none": 0.01, "model.norm=batch": 0.1})


def runs(outcome="trained"):
    """Without norm: 99% and 90%, with it 98% and 95%; another rate was not chosen."""
    plain = arm("plain", model__norm="none", optimizer__lr=0.01, val_accuracy=0.9,
                train_accuracy=0.99, test_accuracy=0.90)  # fmt: skip
    normed = arm("normed", outcome, model__norm="batch", optimizer__lr=0.1, val_accuracy=0.9,
                 train_accuracy=0.98, test_accuracy=0.95)  # fmt: skip
    worse = arm("worse", model__norm="none", optimizer__lr=0.1, val_accuracy=0.5,
                train_accuracy=0.6, test_accuracy=0.1)  # fmt: skip
    epochs = []
    for row in plain + normed:
        own = 0.1 if row["model.norm"] == "none" else 0.0
        losses = (1.0, 0.1, 0.2, 0.01) if row["model.norm"] == "none" else (1.0, 0.1)
        for step, loss in enumerate(losses):
            accuracy = {"train_accuracy": 0.9 + own, "test_accuracy": 0.9 - 0.03 * step}
            epochs.append({"run": row["run"], "step": step, "train_loss": loss} | accuracy)
    return make(plain + normed + worse, epochs=epochs)


def test_gap_at_the_end_and_at_equal_loss():
    found = gap(runs(), CHOSEN).quantities
    assert found["narrower"].centre == pytest.approx(9 - 3)
    assert found["test_accuracy"].centre == pytest.approx(5)
    assert found["train_accuracy"].centre == pytest.approx(-1)
    # at the loss of 0.1, the lowest that both came to: 0.13 and 0.03
    assert found["narrower_at_equal_loss"].centre == pytest.approx(10)


def test_between_two_evaluations_the_gap_is_interpolated_along_the_log_loss():
    made = runs()
    normed = made.epochs["run"].str.startswith("normed") & (made.epochs["step"] == 1)
    made.epochs.loc[normed, "train_loss"] = 0.1**0.5
    rows = made.runs.set_index("run", drop=False)
    found = gaps_at_equal_loss(made, rows.loc[["plain 0"]], rows.loc[["normed 0"]])
    assert found.loc[0].to_dict() == pytest.approx(
        {"loss": 0.1**0.5, "first": 0.1 + 0.015, "second": 0.03}
    )


def test_summary_and_table_have_the_numbers():
    found = gap(runs(), CHOSEN)
    assert "9.0 points without batch norm and 3.0 with it" in found.summary
    assert "+5.0 points" in found.summary
    assert found.table["learning_rate"].tolist() == [0.01, 0.1]
    assert found.table["gap"].tolist() == pytest.approx([9, 3])


def test_a_run_at_chance_level_counts_and_a_diverged_one_says_little():
    assert gap(runs("not trained"), CHOSEN).quantities["narrower"].centre == pytest.approx(6)
    found = gap(runs("diverged"), CHOSEN)
    assert found.quantities["test_accuracy"].readings[0] == Reading(-90, 10)
    assert found.quantities["narrower_at_equal_loss"].n == 0
    assert "4 diverged" in found.notes[0]


def test_nothing_was_chosen():
    found = gap(runs(), choices())
    assert found.summary == "No pair of runs was measured"
