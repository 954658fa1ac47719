"""A figure and the ledger give the same number for the same runs."""

from pathlib import Path

import pandas as pd
import pytest

from bnexp.comparisons.accuracies import accuracy_row, lead
from bnexp.comparisons.config import Choose
from bnexp.comparisons.measure import passes_by_value, times_to
from bnexp.comparisons.pilots import choose
from bnexp.report.arms import find_arms
from bnexp.report.catalogue import draw
from bnexp.report.contrasts import contrasts, control
from bnexp.report.statistics import STABLE, best_rate
from bnexp.runs.tables import load_runs
from tests.report.records import write_run


def test_rates_and_times_of_figures_are_those_of_the_ledger(tmp_path: Path) -> None:
    final = {0.01: 0.7, 0.1: 0.9, 0.3: 0.905, 1.0: 0.86, 3.0: 0.3}
    for norm, shift in (("none", 0.0), ("batch", 0.05)):
        for rate, accuracy in final.items():
            for seed in range(3):
                value = accuracy + shift + 0.004 * seed
                write_run(tmp_path, norm, seed, layers=False, final=value, optimizer__lr=rate)
    runs = load_runs(tmp_path)
    found = choose(Choose(name="best", per=["model.norm"]), runs)
    table = draw("learning_rate", tmp_path).table
    for arm, name in zip(find_arms(tmp_path).without("optimizer.lr"), ("no norm", "batch norm"),
                         strict=True):  # fmt: skip
        best = best_rate(arm.runs, plateau=True)
        assert best is not None
        (chosen,) = [one for one in found if one.where["model.norm"] == arm.values["model.norm"]]
        assert (chosen.value, chosen.score) == (best.value, round(best.accuracy, 6))
        score = best_rate(arm.runs).accuracy - STABLE  # type: ignore[union-attr]
        largest = []
        for _, seed in arm.runs.groupby("seed"):
            passed = passes_by_value(seed, "optimizer.lr", score)
            largest.append(max(rate for rate in passed if passed[rate]))
        drawn = table[table["arm"] == name]
        assert drawn["stable_up_to"].unique().tolist() == [pd.Series(largest).median()]
    arms = find_arms(tmp_path, where=["optimizer.lr=0.3"])
    rows = draw("convergence", arms, target=0.5).table.set_index("arm")
    for arm in arms:
        readings = times_to(runs, arm.runs, 0.5).values()
        middle = [sorted(getattr(one, side) for one in readings)[1] for side in ("low", "high")]
        assert rows.loc[arm.label, ["half_after_epochs", "half_by_epochs"]].tolist() == middle


def test_accuracies_and_differences_of_figures_are_those_of_the_ledger(tmp_path: Path) -> None:
    for norm, shift in (("none", 0.0), ("batch", 0.05), ("layer", 0.01)):
        for seed in range(4):
            value = 0.8 + shift + 0.01 * (seed * seed % 3)
            write_run(tmp_path, norm, seed, layers=False, final=value)
    write_run(tmp_path, "batch", 4, layers=False, final=0.1, outcome="not trained")
    arms = find_arms(tmp_path)
    plain = control(arms)
    drawn = draw("gap", arms).table.set_index("arm")
    against = contrasts(arms, "test_accuracy").set_index("arm")
    for arm in arms:
        row = accuracy_row(arm.runs)
        assert row["accuracy"] == pytest.approx(100 * drawn.loc[arm.label, "test_accuracy_mean"])
        if arm is not plain:
            shared = arm.runs[arm.runs["seed"] < 4]
            readings = lead(shared, plain.runs).readings
            mean = sum(one.low for one in readings.values()) / len(readings)
            assert mean == pytest.approx(100 * against.loc[arm.label, "difference"], abs=1e-6)
            assert against.loc[arm.label, "n"] == len(readings) == 4
