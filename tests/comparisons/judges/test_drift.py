import pytest

from bnexp.comparisons.choices import Choices
from bnexp.comparisons.judges.drift import inputs
from bnexp.runs.tables import Runs
from tests.comparisons.judges.measured import measured
from tests.comparisons.judges.tables import arm, make

# (mean, std) of what layer 2 receives at steps 1, 100 and 200, and the gradients' cosine
ARMS = {
    "none": ("none", "before", [(5.2, 2.3), (12.7, 8.9), (90, 90)], 0.6),
    "before": ("batch", "before", [(0.4, 0.6), (0.4, 0.7), (90, 90)], 0.9),
    "after": ("batch", "after", [(0.0, 1.0), (0.01, 1.02), (90, 90)], 0.8),
}


def sweep(steps: tuple[int, ...] = (1, 100, 200)) -> Runs:
    rows, activations, measures = [], [], []
    for name, (norm, placement, seen, cosine) in ARMS.items():
        rows += arm(name, model__norm=norm, model__placement=placement)
        for seed in range(4):
            run = f"{name} {seed}"
            for step, (mean, std) in zip(steps, seen, strict=False):
                for index, factor in ((1, 7), (2, 1)):
                    activations.append(
                        {"run": run, "step": step, "layer": f"layers.{index - 1}", "index": index,
                         "tensor": "input", "mean": factor * mean, "std": factor * std}
                    )  # fmt: skip
            measures += measured(run, "layers.0", gradient_cosine=1)
            measures += measured(run, "layers.1", gradient_cosine=cosine)
    return make(rows, activations=activations, measures=measures)


def test_the_sources_own_figures() -> None:
    found = inputs(sweep(), Choices())
    centre = {name: quantity.centre for name, quantity in found.quantities.items()}
    assert centre["std_growth"] == pytest.approx(8.9 / 2.3)
    assert centre["mean_growth"] == pytest.approx(12.7 / 5.2)
    assert centre["batch_std"] == pytest.approx(1.02)
    moved = (7.5**2 + 6.6**2) ** 0.5 / 2.3
    assert centre["drift"] == pytest.approx(moved / (0.1 / 0.6))
    assert centre["gradient_shift"] == pytest.approx(0.4 / 0.1)  # the first layer is left out
    assert "from mean 5.2, std 2.3 at step 1 to 12.7, 8.9 at step 100" in found.summary
    assert set(found.table["layer"]) == {2}


def test_a_short_run_takes_its_last_step() -> None:
    found = inputs(sweep(steps=(1, 10)), Choices()).quantities
    assert found["std_growth"].centre == pytest.approx(8.9 / 2.3)


def test_an_arm_that_diverged_is_not_measured() -> None:
    runs = sweep()
    runs.runs.loc[runs.runs["model.norm"] == "none", "outcome"] = "diverged"
    found = inputs(runs, Choices())
    assert {name for name, quantity in found.quantities.items() if quantity.n} == {"batch_std"}
    assert "4 diverged" in found.notes[0]
