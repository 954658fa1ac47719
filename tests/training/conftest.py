from collections.abc import Callable
from pathlib import Path

import pytest

from bnexp.compose import compose
from bnexp.plan import Plan, plan

Planner = Callable[..., Plan]


@pytest.fixture
def planned(tmp_path: Path) -> Planner:
    """A plan from overrides, for a run of a few steps on the CPU."""

    def make(*overrides: str, runs: str = "runs") -> Plan:
        short = ["device=cpu", "training.max_steps=12", f"runs_dir={tmp_path / runs}"]
        return plan(*compose([*short, *overrides]))

    return make
