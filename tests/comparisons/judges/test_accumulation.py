import pytest

from bnexp.comparisons.choices import Choices
from bnexp.comparisons.judges.accumulation import small_batches
from bnexp.runs.tables import Runs
from tests.comparisons.judges.measured import measured
from tests.comparisons.judges.tables import arm, make

ACCURACY = {  # by norm, batch size and number of accumulated batches
    ("batch", 32, 1): 0.95, ("batch", 4, 8): 0.90, ("layer", 32, 1): 0.93, ("layer", 4, 8): 0.92,
}  # fmt: skip


def sweep() -> Runs:
    rows, measures = [], []
    for (norm, size, parts), accuracy in ACCURACY.items():
        rows += arm(
            f"{norm} {size}x{parts}", model__norm=norm, data__batch_size=size,
            training__accumulate=parts, test_accuracy=accuracy,
        )  # fmt: skip
    rows += arm("check", "measured", check__name="accumulation")
    for seed in range(4):
        for norm, difference, samples in (("batch", 0.5, 8), ("layer", 1e-7, 1)):
            measures += measured(f"check {seed}", norm, gradient_difference=difference,
                                 samples_per_statistic=samples)  # fmt: skip
    return make(rows, measures=measures)


def test_layer_norms_loss_is_subtracted() -> None:
    found = small_batches(sweep(), Choices())
    centre = {name: quantity.centre for name, quantity in found.quantities.items()}
    assert centre == pytest.approx({"beyond_layer": -4, "gradient": 0.5, "samples": 8})
    assert "see 8 samples each" in found.summary
    assert any(note.startswith("Layer norm") and "1 points" in note for note in found.notes)
    assert len(found.table) == len(ACCURACY)


def test_without_the_measurement() -> None:
    runs = sweep()
    kept = Runs(runs.runs[runs.runs["model.norm"].notna()], runs.skipped)
    kept.__dict__.update(measures=runs.measures)
    found = small_batches(kept, Choices()).quantities
    assert "samples" not in found
    assert found["gradient"].n == 0
    assert found["beyond_layer"].n == 4
