"""The figures on made-up records: what they say, and that they say it of the right runs."""

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bnexp.errors import UserError
from bnexp.report.arms import find_arms
from bnexp.report.catalogue import FIGURES, draw
from bnexp.report.figures.gradients import END, at_steps
from bnexp.report.figures.learning_rate import _places
from bnexp.report.statistics import Best
from tests.report.records import RATIO, write_run

RATES = (0.01, 0.1, 1.0, 3.0)
OPTIONS: dict[str, dict[str, Any]] = {
    name: {"key": "optimizer.lr"} for name in ("sensitivity", "by_value")
}


@pytest.fixture(scope="module")
def batch_sizes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    runs = tmp_path_factory.mktemp("batch") / "runs"
    for norm in ("batch", "layer"):
        for size in (2, 32):
            for seed in range(2):
                write_run(runs, norm, seed, data__batch_size=size)
    return runs


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_says_what_it_shows(name: str, sweep: Path, batch_sizes: Path) -> None:
    chart = draw(name, batch_sizes if name == "batch_size" else sweep, **OPTIONS.get(name, {}))
    assert chart.name in (name, "sensitivity")
    assert len(chart.finding) > 20
    assert len(chart.method) > 50
    assert len(chart.table) > 0
    assert {"arm", "n", "diverged", "not_trained"} <= set(chart.table)
    svg = chart.svg()
    assert chart.finding.split()[0] in svg
    for label in ("batch norm", "layer norm"):
        assert label in svg


@pytest.mark.parametrize("name", ["gradients", "histograms", "gradient_map"])
def test_figures_are_the_same_bytes_again(name: str, two_arms: Path) -> None:
    first, second = draw(name, two_arms), draw(name, two_arms)
    assert first.svg() == second.svg()
    assert first.png(50) == second.png(50)
    assert "<dc:date>" not in first.svg()


def test_a_figure_shows_itself_in_a_notebook(two_arms: Path) -> None:
    from bnexp.report import cost

    assert "<svg" in cost(two_arms)._repr_svg_()


def test_lost_runs_are_counted_and_not_averaged(two_arms: Path) -> None:
    chart = draw("convergence", two_arms)
    plain = chart.table.set_index("arm").loc["no norm"]
    assert (plain["n"], plain["diverged"]) == (6, 1)
    assert plain["runs"] == 7
    trained = find_arms(two_arms).arms[0].trained["test_accuracy"]
    assert plain["test_accuracy_median"] == pytest.approx(np.median(trained.astype(float)))
    assert "6 of 7 trained, 1 diverged" in chart.svg()


def test_a_diverged_run_never_reached_the_target(two_arms: Path) -> None:
    table = draw("convergence", two_arms, target=0.2).table.set_index("arm")
    assert (table.loc["no norm", "runs"], table.loc["no norm", "reached_target"]) == (7, 6)
    assert table.loc["batch norm", "reached_target"] == 7
    never = draw("convergence", two_arms, target=0.9999)
    assert "Fewer than half of the runs of any arm reach 99.99%" in never.finding


def test_the_target_is_one_that_all_runs_of_an_arm_reach(two_arms: Path) -> None:
    chart = draw("convergence", two_arms)
    epochs = find_arms(two_arms).runs.epochs
    best = epochs.groupby("run")["val_accuracy"].max()
    batch = find_arms(two_arms).arms[1].runs["run"]
    assert chart.table["target_val_accuracy"].iloc[0] <= best[batch].min()
    assert re.search(r"between epochs \d and \d \(batch norm\)", chart.finding)


def test_differences_are_paired_with_the_arm_without_norm(two_arms: Path) -> None:
    (row,) = draw("convergence", two_arms).differences.to_dict("records")
    assert (row["arm"], row["minus"], row["n"]) == ("batch norm", "no norm", 6)
    none, batch = find_arms(two_arms)
    a, b = none.by_seed("test_accuracy"), batch.by_seed("test_accuracy")
    assert row["difference"] == pytest.approx((b - a).mean())
    assert row["seeds"] == f"{((b - a).dropna() > 0).sum()} of 6 seeds"


def test_stability_is_held_against_the_rate_that_pilots_chose(tmp_path: Path) -> None:
    """As the ledger counts it, whatever the best of the runs drawn is."""
    for norm in ("none", "batch"):
        for rate, final in ((0.1, 0.7), (0.3, 0.8), (1.0, 0.73)):
            for seed in range(2):
                write_run(tmp_path, norm, seed, final=final, layers=False, optimizer__lr=rate)
    own = draw("learning_rate", tmp_path)
    assert set(own.table["stable_up_to"]) == {0.3}
    by_pilots = draw("learning_rate", tmp_path, chosen=lambda run: Best(0.1, 0.76, (0.1,), ""))
    assert set(by_pilots.table["stable_up_to"]) == {1.0}
    assert by_pilots.table.query("best")["learning_rate"].tolist() == [0.1, 0.1]
    assert "the one that pilots chose" in by_pilots.method


def test_gradients_are_fitted_and_predicted(two_arms: Path) -> None:
    table = draw("gradients", two_arms).table
    first = table[(table["step"] == 0) & (table["quantity"] == "activation_gradient_norm")]
    for row in first.to_dict("records"):
        norm = {"no norm": "none", "batch norm": "batch"}[row["arm"]]
        assert row["runs"] == 7  # before training also the one that diverges
        assert row["ratio_by_layer"] == pytest.approx(RATIO[norm], rel=0.06)
        assert row["low"] <= row["ratio_by_layer"] <= row["high"]
    by_arm = first.set_index("arm")["predicted"]
    assert by_arm["no norm"] == pytest.approx(math.sqrt(1 / 6))
    assert by_arm["batch norm"] == pytest.approx(1.2226, abs=1e-3)  # batch size 64


def test_the_largest_stable_rate_is_near_the_best(tmp_path: Path) -> None:
    """A finite loss and better than chance is not stable; nor is what follows a failure."""
    final = {
        "none": {0.01: 0.9, 0.1: 0.93, 1.0: 0.5, 3.0: 0.92},
        "batch": dict.fromkeys(RATES, 0.95),
    }
    for norm, by_rate in final.items():
        for rate, accuracy in by_rate.items():
            for seed in range(3):
                write_run(tmp_path, norm, seed, layers=False, final=accuracy, optimizer__lr=rate)
    write_run(tmp_path, "none", 0, layers=False, final=0.99, optimizer__lr=0.37)  # a stray one
    chart = draw("learning_rate", tmp_path)
    assert "up to a learning rate of 3 or more (batch norm) and 0.1 (no norm)" in chart.finding
    assert chart.finding.endswith("30 times as large (3.0 or more, by the grid)")
    table = chart.table.set_index(["arm", "learning_rate"])
    assert table.loc[("no norm", 0.1), ["best", "stable", "runs"]].tolist() == [True, 3, 3]
    assert table.loc[("no norm", 1.0), "stable"] == 0


def test_batch_size_shows_both_modes(batch_sizes: Path) -> None:
    chart = draw("batch_size", batch_sizes)
    modes = chart.table.groupby("arm")["train_mode_accuracy_mean"].count()
    assert dict(modes) == {"batch norm": 2, "layer norm": 0}
    assert "in training mode" in chart.svg()


def test_histograms_pool_runs_on_the_values_scale(two_arms: Path) -> None:
    table = draw("histograms", two_arms).table
    first = table[(table["step"] == 0) & (table["layer"] == 1)]
    assert list(first["p50"]) == pytest.approx([0, 0], abs=0.1)
    assert list(first["p85"]) == pytest.approx([1.03, 1.03], abs=0.12)  # of a standard normal


def test_a_step_that_is_also_the_last_is_drawn_once() -> None:
    table = pd.DataFrame({"run": ["a", "a", "b", "b"], "step": [0, 100, 0, 100]})
    assert [step for step, _ in at_steps(table, (0, 100, END))] == [0, 100]
    longer = pd.concat([table, pd.DataFrame({"run": ["b"], "step": [200]})], ignore_index=True)
    assert [step for step, _ in at_steps(longer, (0, 100, END))] == [0, 100, END]


def test_drift_is_a_distance_in_first_standard_deviations(two_arms: Path) -> None:
    table = draw("drift", two_arms).table.set_index(["arm", "layer"])
    assert table.loc[("no norm", 3), "drift"] == pytest.approx(0.02 * 60 * 3)
    assert table.loc[("batch norm", 3), "drift"] == 0
    assert 1 not in table.index.get_level_values("layer")


def test_costs_are_per_step(two_arms: Path) -> None:
    row = draw("cost", two_arms).table.set_index("arm").loc["batch norm"]
    assert row["ms_per_step_mean"] == pytest.approx(1.0, rel=0.1)
    assert 500 < row["saved_mb_mean"] < 600


def test_an_arm_whose_runs_are_all_lost_is_still_there(tmp_path: Path) -> None:
    for seed in range(2):
        write_run(tmp_path, "none", seed, outcome="diverged")
        write_run(tmp_path, "batch", seed, outcome="not trained")
    for name in ("convergence", "gap", "gradients", "percentiles", "cost"):
        assert "0 of 2 trained, 2 diverged" in draw(name, tmp_path).svg()


def test_one_run_alone(tmp_path: Path) -> None:
    folder = write_run(tmp_path, "batch", 0)
    chart = draw("convergence", folder)
    assert chart.table["n"].item() == 1
    assert math.isnan(chart.table["test_accuracy_low"].item())
    assert "no interval" in chart.svg()


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("learning_rate", {}, "all runs have the same optimizer.lr"),
        ("batch_size", {}, "all runs have the same data.batch_size"),
        ("sensitivity", {"key": "model.norm"}, "model.norm is no number"),
        ("sensitivity", {"key": "model.dept"}, "did you mean model.depth"),
        ("histograms", {"tensor": "weights"}, "must be one of pre_activation"),
    ],
)
def test_what_cannot_be_drawn_is_said(
    name: str, options: dict[str, Any], message: str, two_arms: Path
) -> None:
    with pytest.raises(UserError, match=message):
        draw(name, two_arms, **options)


def test_runs_without_probes_have_no_figures_of_layers(tmp_path: Path) -> None:
    write_run(tmp_path, "batch", 0, layers=False)
    for name in ("gradients", "gradient_map", "histograms", "percentiles", "drift"):
        with pytest.raises(UserError, match="recorded no"):
            draw(name, tmp_path)


def test_many_rates_stand_at_their_logarithms() -> None:
    """What a search leaves lies close together, and is no even grid."""
    few = _places([0.01, 0.1, 10.0])
    assert few == [0, 1, 2]
    rates = [0.01 * 1000 ** (i / 16) for i in (0, *range(3, 17))]
    found = _places(rates)
    assert found[0] == 0
    assert found[-1] == pytest.approx(14)
    steps = np.diff(found)
    assert steps[0] == pytest.approx(3 * steps[1])
    assert steps[1:] == pytest.approx(steps[1])
