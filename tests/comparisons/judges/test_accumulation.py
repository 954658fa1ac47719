import pytest

from bnexp.comparisons.judges.accumulation import small_batches
from bnexp.runs.tables import Runs
from tests.comparisons.judges.measured import measured
from tests.comparisons.judges.tables import arm, make

ACCURACY = {  # by norm, batch size and number of accumulated batches
    ("batch", 32, 1): 0.95, ("batch", 4, 8): 0.90, ("batch", 4, 1): 0.88,
    ("layer", 32, 1): 0.93, ("layer", 4, 8): 0.93, ("layer", 4, 1): 0.94,
    ("layer", 1, 1): 0.80, ("group", 1, 1): 0.70,
}  # fmt: skip


def sweep() -> Runs:
    rows, epochs, measures = [], [], []
    for (norm, size, parts), accuracy in ACCURACY.items():
        name = f"{norm} {size}x{parts}"
        rows += arm(
            name, model__norm=norm, data__batch_size=size, training__accumulate=parts,
            test_accuracy=accuracy,
        )  # fmt: skip
        epochs += [
            {"run": f"{name} {seed}", "step": step, "test_accuracy": value}
            for seed in range(4)
            for step, value in ((0, 0.1), (9, accuracy))
        ]
    refused = {"reason": "too small", "run": None}
    rows += arm("batch 1", "refused", model__norm="batch", data__batch_size=1,
                training__accumulate=1, **refused)  # fmt: skip
    rows += arm("check", "measured", check__name="accumulation")
    for seed in range(4):
        for norm, difference, samples in (("batch", 0.5, 8), ("layer", 1e-7, 1)):
            measures += measured(f"check {seed}", norm, gradient_difference=difference,
                                 samples_per_statistic=samples)  # fmt: skip
    return make(rows, epochs=epochs, measures=measures)


def test_known_accuracies() -> None:
    found = small_batches(sweep())
    centre = {name: quantity.centre for name, quantity in found.quantities.items()}
    assert centre == pytest.approx(
        {"layer_at_1": 70, "group_at_1": 60, "batch_refused": 100, "samples": 8,
         "batch_gradient": 0.5, "layer_gradient": 1e-7, "batch_accumulated": -5, "batch_small": -7,
         "layer_accumulated": 0, "layer_small": 1}
    )  # fmt: skip
    assert "see 8 samples each" in found.summary
    assert "Refused: too small" in found.notes
    assert len(found.table) == len(ACCURACY) + 1


def test_without_the_check() -> None:
    runs = sweep()
    kept = runs.runs[runs.runs["model.norm"].notna()].drop(columns="check.name")
    runs = Runs(kept, runs.skipped)
    runs.__dict__.update(epochs=sweep().epochs, measures=sweep().measures)
    assert "samples" not in small_batches(runs).quantities
