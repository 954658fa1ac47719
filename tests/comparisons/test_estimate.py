"""How long a ledger will take, from what its rows state."""

from dataclasses import replace
from pathlib import Path

import pytest

from bnexp.comparisons.estimate import announcement, cost
from bnexp.comparisons.run import courses_of
from tests.comparisons.made_up import YAML, setting


@pytest.fixture
def stated(folder: Path) -> Path:
    (folder / "C1.yaml").write_text(YAML.replace("sweep:", "cost: 4\nsweep:", 1))
    return folder


def test_a_seeds_cost_is_shared_out_by_the_cells_that_pilots_run(stated: Path) -> None:
    [course] = courses_of(setting())
    pilots = 3 * 8 / 2 * 4  # 8 cells of which 2 are chosen, 4 s for these two
    assert cost(course, last=False) == pytest.approx(7 * 4 + pilots)
    assert cost(course, last=True) == pytest.approx(20 * 4 + pilots)
    assert "about 38 s to 64 s from nothing on 2 workers" in announcement([course], 2)


def test_what_states_no_cost_is_named(folder: Path) -> None:
    courses = courses_of(setting("C1", "C2"))
    assert "from nothing" not in announcement(courses, 2)


def test_runs_of_a_few_steps_are_not_taken_for_whole_ones(stated: Path) -> None:
    quick = courses_of(replace(setting(), preset="quick"))
    assert announcement(quick, 2).endswith("preset quick: all training images, 12 steps")
