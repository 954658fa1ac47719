"""Norms that the model itself keeps frozen, in a whole run."""

from pathlib import Path

import pytest

import bnexp
from bnexp.training.run import run
from tests.training.conftest import Planner

NET = """
from torch import nn

class Net(nn.Module):
    def __init__(self, num_classes, shape):
        super().__init__()
        self.norm = nn.BatchNorm1d(64)
        self.head = nn.Linear(64, num_classes)

    def train(self, mode=True):
        super().train(mode)
        self.norm.eval()
        return self

    def forward(self, x):
        return self.head(self.norm(x.flatten(1)))
"""


def test_frozen_norms_are_measured_as_they_train(
    planned: Planner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """https://github.com/pytorch/pytorch/issues/86590"""
    (tmp_path / "frozen_net.py").write_text(NET)
    monkeypatch.syspath_prepend(str(tmp_path))
    plan = planned("model=module", "model.name=frozen_net.Net", "probes=companions")
    found = bnexp.load_runs(run(plan, "", quiet=True).folder)
    values = found.measures.groupby("name")["value"].last()
    assert values[[name for name in values.index if name.startswith("agreement")]].eq(1).all()
    last = found.epochs.iloc[-1]
    assert last["test_accuracy_train_mode"] == pytest.approx(last["test_accuracy"], abs=0.02)
