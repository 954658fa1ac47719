import pytest

from bnexp.comparisons.judges.dropout import need
from tests.comparisons.judges.tables import arm, choices, make

# test accuracy by norm, dropout and learning rate
ACCURACY = {
    "none": {0.0: (0.90, 0.85), 0.2: (0.93, 0.91), 0.5: (0.92, 0.95)},
    "batch": {0.0: (0.95, 0.94), 0.2: (0.955, 0.95), 0.5: (0.90, 0.91)},
}
BEST = {("none", 0.5): 0.3, ("batch", 0.5): 0.3}  # else 0.1
CHOSEN = choices(
    best={
        f"model.norm={norm} model.dropout={rate}": BEST.get((norm, rate), 0.1)
        for norm, rates in ACCURACY.items()
        for rate in rates
    }
)


def runs(**trap):
    rows = []
    for norm, by_rate in ACCURACY.items():
        for rate, accuracies in by_rate.items():
            for lr, accuracy in zip((0.1, 0.3), accuracies, strict=True):
                name = f"{norm} {rate} {lr}"
                results = {"test_accuracy": accuracy} | trap.get(name, {})
                keys = {"model__norm": norm, "model__dropout": rate, "optimizer__lr": lr}
                rows += arm(name, results.pop("outcome", "trained"), **keys, **results)
    return make(rows)


def test_gains_are_by_dropout_rate_each_at_its_chosen_learning_rate():
    found = need(runs(), CHOSEN)
    centre = {name: quantity.centre for name, quantity in found.quantities.items()}
    assert centre == pytest.approx(
        {
            "gain_without_norm_0.2": 3, "gain_with_norm_0.2": 0.5, "less_gain_0.2": 2.5,
            "gain_without_norm_0.5": 5, "gain_with_norm_0.5": -4, "less_gain_0.5": 9,
        }
    )  # fmt: skip
    assert "+5.0 points without batch norm and -4.0 with it (rate 0.5)" in found.summary
    assert found.table["learning_rate"].tolist() == [0.1, 0.1, 0.3, 0.1, 0.1, 0.3]


def test_a_diverged_run_leaves_the_gain_open():
    found = need(runs(**{"none 0.5 0.3": {"outcome": "diverged", "test_accuracy": None}}), CHOSEN)
    reading = found.quantities["gain_without_norm_0.5"].readings[0]
    assert (reading.low, reading.high) == (-90, 10)
    assert "4 diverged" in found.notes[0]


def test_nothing_was_chosen():
    found = need(runs(), choices())
    assert found.summary == "Nothing was measured"
    assert all(quantity.n == 0 for quantity in found.quantities.values())
