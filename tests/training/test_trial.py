"""Nets that pass a first look and would fail in training."""

from pathlib import Path

import pytest

from bnexp.errors import UserError
from tests.training.conftest import Planner

NETS = """
import torch
from torch import nn

class Base(nn.Module):
    def __init__(self, num_classes, shape):
        super().__init__()
        self.flat, self.head = nn.Flatten(), nn.Linear(64, num_classes)

    def forward(self, x):
        return self.head(self.flat(x))

class Auxiliary(Base):
    def forward(self, x):
        logits = super().forward(x)
        return (logits, logits) if self.training else logits

class Frozen(Base):
    def __init__(self, num_classes, shape):
        super().__init__(num_classes, shape)
        self.requires_grad_(False)

class Detached(Base):
    def forward(self, x):
        return super().forward(x).detach()

class Half(Base):
    def forward(self, x):
        if torch.is_autocast_enabled("cpu"):
            raise RuntimeError("knows no half precision")
        return super().forward(x)

class Backward(Base):
    def forward(self, x):
        logits = super().forward(x)
        logits.register_hook(self.refuse) if logits.requires_grad else None
        return logits

    def refuse(self, gradient):
        raise RuntimeError("has no gradient")

class Untracked(Base):
    def __init__(self, num_classes, shape):
        super().__init__(num_classes, shape)
        self.norm = nn.BatchNorm1d(num_classes, track_running_stats=False)

    def forward(self, x):
        return self.norm(super().forward(x))
"""


@pytest.fixture(autouse=True)
def _nets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "trial_nets.py").write_text(NETS)
    monkeypatch.syspath_prepend(str(tmp_path))


def problem(planned: Planner, net: str, *keys: str) -> str:
    with pytest.raises(UserError) as error:
        planned("model=module", f"model.name=trial_nets.{net}", *keys)
    [line] = error.value.lines
    return line


@pytest.mark.parametrize(
    ("net", "keys", "words"),
    [
        ("Auxiliary", (), "gives tuple, not a tensor of logits"),
        ("Frozen", (), "no parameter is trained: requires_grad is false everywhere"),
        ("Detached", (), "has no trained parameter that the loss depends on"),
        ("Half", ("precision=bf16",), "fails in training on 64 samples of [1, 8, 8]: knows no"),
        ("Backward", (), "has no gradient"),
        ("Untracked", ("data.train_size=65", "data.drop_last=false"), "fails in training on 1 sam"),
    ],
)
def test_a_line_before_training(
    planned: Planner, net: str, keys: tuple[str, ...], words: str
) -> None:
    line = problem(planned, net, *keys)
    assert line.startswith(f"trial_nets.{net}: ")
    assert words in line


def test_what_works_is_planned_and_its_norms_are_found(planned: Planner) -> None:
    plan = planned("model=module", "model.name=trial_nets.Base", "precision=fp16")
    assert (plan.layout, plan.notes, plan.traits.batch_statistics) == ("channels_last", (), False)
    assert planned("model=module", "model.name=trial_nets.Untracked").traits.batch_statistics
    assert planned("model=mlp_bn").traits.batch_statistics
    assert not planned("model=mlp_ln").traits.batch_statistics


@pytest.mark.parametrize(
    ("keys", "note"),
    [
        (("training.lr_warmup_epochs=9",), "training.lr_warmup_epochs=9: the warm-up of "),
        (("training.lr_warmup_epochs=0.01",), "training.lr_warmup_epochs=0.01: the warm-up does"),
        (("training.lr_schedule=step",), "training.lr_step_size=10: the learning rate never falls"),
        (("training.lr_warmup_epochs=0.5",), None),
        (("training.lr_schedule=step", "training.lr_step_size=1", "training.max_steps=50"), None),
    ],
)
def test_schedules_that_do_nothing_are_said(
    planned: Planner, keys: tuple[str, ...], note: str | None
) -> None:
    """https://github.com/facebookresearch/d2go/issues/19"""
    notes = planned("model=mlp", *keys).notes
    assert len(notes) == (note is not None)
    assert note is None or notes[0].startswith(note)
