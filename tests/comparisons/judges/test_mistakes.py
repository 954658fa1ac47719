import pytest

from bnexp.comparisons.choices import Choices
from bnexp.comparisons.judges.mistakes import costs
from tests.comparisons.judges.measured import measured
from tests.comparisons.judges.tables import arm, make

TRACK = "model__norm_options__track_running_stats"
ARMS = {  # name: norm, batch size, on the output, running statistics, accuracies
    "good": ("batch", 32, False, True, 0.95, {"accuracy_eval": 0.9, "accuracy_batch_2": 0.5}),
    "small": ("batch", 2, False, True, 0.80, {}),
    "layer": ("layer", 32, False, None, 0.94, {}),
    "layer small": ("layer", 2, False, None, 0.92, {}),
    "output": ("batch", 32, True, True, 0.96, {}),
    "untracked": ("batch", 32, False, False, 0.94, {"accuracy_batch_2": 0.4}),
}


def test_known_costs() -> None:
    rows, measures = [], []
    for name, (norm, size, output, track, accuracy, others) in ARMS.items():
        rows += arm(
            name, model__norm=norm, data__batch_size=size, model__norm_output=output,
            test_accuracy=accuracy, **({} if track is None else {TRACK: track}),
        )  # fmt: skip
        for seed in range(4):
            measures += measured(f"{name} {seed}", **others)
    rows += arm("check", "measured", 1, check__name="refusals")
    measures += measured("check 0", "ValueError: 4D", images_in_1d=1)
    measures += measured("check 0", "ValueError: one", batch_of_one=1)
    measures += measured("check 0", "BatchNorm1d", one_sample_in_eval_untracked=0)
    found = costs(make(rows, measures=measures), Choices())
    centre = {name: quantity.centre for name, quantity in found.quantities.items()}
    assert centre == pytest.approx(
        {"batch_of_two_beyond_layer": 13, "norm_on_output": -1, "untracked_large_batches": 1,
         "wrong_layer": 100, "untracked_alone": 0}
    )  # fmt: skip
    assert "layer norm loses, \N{MINUS SIGN}13 points" in found.summary
    assert "BatchNorm1d on (N, C, H, W): ValueError: 4D." in found.notes
    assert len(found.table) == len(ARMS)


def test_a_net_at_chance_level_counts() -> None:
    rows = []
    for size, outcome, accuracy in ((32, "trained", 0.9), (2, "not trained", 0.1)):
        for norm in ("batch", "layer"):
            rows += arm(
                f"{norm} {size}", outcome if norm == "batch" else "trained", model__norm=norm,
                data__batch_size=size, model__norm_output=False,
                test_accuracy=accuracy if norm == "batch" else 0.9,
            )  # fmt: skip
    found = costs(make(rows), Choices())
    assert found.quantities["batch_of_two_beyond_layer"].centre == pytest.approx(80)
    assert "4 ended at chance level" in found.notes[0]


def test_nothing_was_measured() -> None:
    rows = arm("small", model__norm="batch", data__batch_size=2, model__norm_output=False,
               test_accuracy=0.9)  # fmt: skip
    assert costs(make(rows), Choices()).summary == "Not measured"
