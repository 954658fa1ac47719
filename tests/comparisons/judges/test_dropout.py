import pytest

from bnexp.comparisons.judges.dropout import need
from tests.comparisons.judges.tables import arm, make

# test accuracy by norm, dropout and learning rate; validation is 1% less but for the trap below
ACCURACY = {
    "none": {0: (0.90, 0.85), 0.2: (0.93, 0.91), 0.5: (0.92, 0.95)},
    "batch": {0: (0.95, 0.94), 0.2: (0.955, 0.95), 0.5: (0.90, 0.91)},
}


def runs(**trap):
    rows = []
    for norm, by_rate in ACCURACY.items():
        for rate, accuracies in by_rate.items():
            for lr, accuracy in zip((0.1, 0.3), accuracies, strict=True):
                name = f"{norm} {rate} {lr}"
                results = {"test_accuracy": accuracy, "val_accuracy": accuracy - 0.01}
                results |= {"train_accuracy": 1.0} | trap.get(name, {})
                keys = {"model__norm": norm, "model__dropout": rate, "optimizer__lr": lr}
                rows += arm(name, results.pop("outcome", "trained"), **keys, **results)
    return make(rows)


def test_gain_is_of_the_best_dropout_rate_each_at_its_best_learning_rate():
    found = need(runs())
    assert found.quantities["gain_without_norm"].centre == pytest.approx(5)  # 0.95 less 0.90
    assert found.quantities["gain_with_norm"].centre == pytest.approx(0.5)
    assert found.quantities["less_gain"].centre == pytest.approx(4.5)
    assert "+5.0 points without batch norm and +0.5 with it" in found.summary
    assert "0.5 and 0.2" in found.summary
    assert found.table["learning_rate"].tolist() == [0.1, 0.1, 0.3, 0.1, 0.1, 0.3]


def test_the_choice_is_by_validation_not_by_test():
    trapped = runs(**{"none 0.5 0.3": {"val_accuracy": 0.1}})
    assert need(trapped).quantities["gain_without_norm"].centre == pytest.approx(3)


def test_an_untrained_rate_is_not_chosen():
    trapped = runs(**{"none 0.5 0.3": {"outcome": "diverged", "test_accuracy": None}})
    found = need(trapped)
    assert found.quantities["gain_without_norm"].centre == pytest.approx(3)
    assert "4 diverged" in found.notes[0]


def test_nothing_trained():
    lost = {
        f"{norm} {rate} {lr}": {"outcome": "not trained"}
        for norm, by_rate in ACCURACY.items()
        for rate in by_rate
        for lr in (0.1, 0.3)
    }
    found = need(runs(**lost))
    assert found.summary == "No pair of runs trained"
    assert all(quantity.n == 0 for quantity in found.quantities.values())
