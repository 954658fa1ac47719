import pytest

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
    found = companions(sweep())
    centre = {name: quantity.centre for name, quantity in found.quantities.items()}
    assert centre == pytest.approx(
        {"changed_8": 20, "changed_32": 8.5, "changed_eval": 0, "lost_2": 41.5, "lost_32": 2}
    )
    assert found.quantities["changed_eval"].kind == "fact"
    assert "20.0% of images in batches of 8 and 8.5% of images in batches of 32" in found.summary


def test_the_table_has_every_training_batch_size() -> None:
    table = companions(sweep()).table.set_index("training_batch_size")
    assert table["evaluation_mode"].to_dict() == pytest.approx({8: 90, 32: 90})
    assert table["training_mode"].to_dict() == pytest.approx({8: 72, 32: 72})
    assert table["same_class_in_batches_of_8"].to_dict() == pytest.approx({8: 20, 32: 80})


def test_one_changed_example_in_evaluation_mode_is_told() -> None:
    runs = sweep()
    table = runs.measures
    table.loc[(table["name"] == "agreement_eval") & (table["run"] == "b32 2"), "value"] = 0.75
    assert companions(runs).quantities["changed_eval"].centre == 25


def test_nothing_trained() -> None:
    runs = sweep()
    runs.runs["outcome"] = "not trained"
    found = companions(runs)
    assert found.quantities == {}
    assert found.summary == "No net trained"
