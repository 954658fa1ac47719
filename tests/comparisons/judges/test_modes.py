import pytest

from bnexp.comparisons.choices import Choices
from bnexp.comparisons.judges.modes import companions
from bnexp.runs.tables import Runs
from tests.comparisons.judges.measured import measured
from tests.comparisons.judges.tables import arm, make


def sweep() -> Runs:
    rows, measures, epochs = [], [], []
    for size in (8, 32):
        rows += arm(f"b{size}", data__batch_size=size, model__norm="batch")
        for seed in range(4):
            run, better = f"b{size} {seed}", 0.01 * seed
            measures += measured(run, step=3, agreement_batch_8=0.1)
            measures += measured(
                run, accuracy_eval=0.9 + better, agreement_eval=1, accuracy_batch_2=0.5,
                accuracy_batch_32=0.88 + better, agreement_batch_8=size / 40,
                agreement_batch_32=0.9 + better,
            )  # fmt: skip
            for step in (0, 9):
                epochs.append({"run": run, "step": step, "epoch": step, "test_accuracy": 0.1 * step,
                               "test_accuracy_train_mode": 0.08 * step})  # fmt: skip
    return make(rows, measures=measures, epochs=epochs)


def test_the_net_trained_at_32_is_judged_by_its_last_measures() -> None:
    found = companions(sweep(), Choices())
    centre = {name: q.centre for name, q in found.quantities.items() if q.n}
    assert centre == pytest.approx(
        {"changed_8": 20, "changed_32": 8.5, "changed_eval": 0, "lost_2": 41.5, "lost_32": 2}
    )
    assert "20.0% of images in batches of 8 and 8.5% of images in batches of 32" in found.summary


def test_the_table_has_every_training_batch_size() -> None:
    table = companions(sweep(), Choices()).table.set_index("training_batch_size")
    assert table["evaluation_mode"].to_dict() == pytest.approx({8: 90, 32: 90})
    assert table["training_mode"].to_dict() == pytest.approx({8: 72, 32: 72})
    assert table["same_class_in_batches_of_8"].to_dict() == pytest.approx({8: 20, 32: 80})


def test_one_changed_example_in_evaluation_mode_is_that_seeds_reading() -> None:
    runs = sweep()
    table = runs.measures
    table.loc[(table["name"] == "agreement_eval") & (table["run"] == "b32 2"), "value"] = 0.75
    found = companions(runs, Choices()).quantities["changed_eval"].readings
    assert {seed: reading.low for seed, reading in found.items()} == {0: 0, 1: 0, 2: 25, 3: 0}


def test_a_net_at_chance_level_counts_and_one_that_was_not_probed_says_nothing() -> None:
    runs = sweep()
    runs.runs["outcome"] = "not trained"
    assert companions(runs, Choices()).quantities["lost_2"].n == 4
    runs.__dict__["measures"] = runs.measures.iloc[:0]
    found = companions(runs, Choices())
    assert found.quantities["lost_2"].n == 0
    assert found.summary == "Nothing was measured"
