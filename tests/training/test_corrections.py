"""Numbers that were wrong without a word, each with its neighbours."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import bnexp
from bnexp.training.loop import Interrupted
from bnexp.training.optimizers import OPTIMIZERS, make_optimizer
from bnexp.training.run import run
from tests.training.conftest import Planner

KINDS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "sgd": torch.optim.SGD,
    "momentum": lambda p, **keys: torch.optim.SGD(p, momentum=0.9, **keys),
    "nesterov": lambda p, **keys: torch.optim.SGD(p, momentum=0.9, nesterov=True, **keys),
    "rmsprop": torch.optim.RMSprop,
    "adam": torch.optim.Adam,
    "adamw": lambda p, **keys: torch.optim.AdamW(p, weight_decay=0.0, **keys),
}
OPTIONS = {
    "momentum": {"momentum": 0.9}, "nesterov": {"momentum": 0.9},
    "rmsprop": {"alpha": 0.99, "eps": 1e-8},
    "adam": {"betas": [0.9, 0.999], "eps": 1e-8}, "adamw": {"betas": [0.9, 0.999], "eps": 1e-8},
}  # fmt: skip


def ours(name: str, parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
    keys: dict[str, Any] = {"name": name, "lr": 0.1, "weight_decay": 0.0}
    options = OPTIMIZERS[name].options.model_validate(keys | OPTIONS.get(name, {}))
    return make_optimizer(options, parameters)


@pytest.mark.parametrize("name", KINDS)
def test_a_step_that_the_loss_scaler_skips_leaves_no_trace(name: str) -> None:
    """https://github.com/LibreYOLO/libreyolo/issues/771"""
    pair = [nn.Parameter(torch.ones(300)) for _ in range(2)]
    optimizers = [ours(name, pair[:1]), KINDS[name](pair[1:], lr=0.1)]
    for parameter, optimizer in zip(pair, optimizers, strict=True):
        junk = [torch.full((300,), 1e30) for _ in range(50)]  # what fresh memory may hold
        del junk
        scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
        for step in range(4):
            scale = scaler.get_scale()
            gradient = parameter.detach() * 0.5 * scale
            parameter.grad = torch.full_like(gradient, torch.inf) if step == 0 else gradient
            scaler.scale(torch.ones(()))  # as the loss would
            scaler.step(optimizer)
            scaler.update()
    torch.testing.assert_close(pair[0], pair[1])


@pytest.mark.parametrize("name", KINDS)
def test_a_first_gradient_may_come_later(name: str) -> None:
    """https://github.com/pytorch/pytorch/issues/122131"""
    pairs = [[nn.Parameter(torch.ones(3)) for _ in range(2)] for _ in range(2)]
    for parameters, optimizer in zip(
        pairs, [ours(name, pairs[0]), KINDS[name](pairs[1], lr=0.1)], strict=True
    ):
        for step in range(4):
            parameters[0].grad = parameters[0].detach() * 0.5
            parameters[1].grad = parameters[1].detach() * 0.3 if step > 1 else None
            optimizer.step()
    torch.testing.assert_close(pairs[0], pairs[1])


def test_half_precision_with_momentum_trains(planned: Planner) -> None:
    plan = planned(
        "model=mlp_bn", "optimizer=momentum", "precision=fp16", "data.batch_size=4",
        "training.max_steps=20", "probes=none", "threads=1",
    )  # fmt: skip
    done = run(plan, "", quiet=True)
    assert done.outcome != "diverged"


def test_uneven_batches_are_accumulated_by_their_samples(planned: Planner) -> None:
    """https://github.com/keras-team/keras/issues/20241"""
    keys = ("model=mlp", "data.train_size=97", "optimizer=sgd", "optimizer.lr=0.5", "probes=none")
    short = ("training.epochs=1", "training.max_steps=null", "data.drop_last=false")
    split = ("data.batch_size=32", "training.accumulate=4")
    parts = planned(*keys, *short, *split)
    assert parts.traits.uneven
    assert not planned(*keys, *split, "data.drop_last=true").traits.uneven
    assert not planned(*keys, *short, "data.batch_size=32", "training.accumulate=3").traits.uneven
    whole = planned(*keys, *short, "data.batch_size=97")
    weights = []
    for plan in (parts, whole):
        folder = run(plan, "", quiet=True).folder
        weights.append(torch.load(folder / "weights.pt", weights_only=True))
        assert len(bnexp.load_runs(folder).steps) == 1
    for name in weights[0]:
        torch.testing.assert_close(weights[0][name], weights[1][name], rtol=1e-5, atol=1e-7)
    losses = [bnexp.load_runs(plan.runs_dir).steps["loss"] for plan in (parts, whole)]
    assert losses[0].iloc[0] == pytest.approx(losses[1].iloc[0], rel=1e-5)


DRAWS = """
import random
import numpy as np
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, num_classes, shape):
        super().__init__()
        self.head = nn.Linear(64, num_classes)

    def forward(self, x):
        x = x.flatten(1)
        noise = random.random() + float(np.random.rand())
        return self.head(x * noise)
"""


def test_nets_that_draw_from_other_generators_are_repeated_and_resumed(
    planned: Planner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "drawing_net.py").write_text(DRAWS)
    monkeypatch.syspath_prepend(str(tmp_path))
    keys = ("model=module", "model.name=drawing_net.Net", "probes=none", "threads=1")
    first = run(planned(*keys, runs="a"), "", quiet=True)
    often = "probes.gradients={every: 1, at: [], end: true}"
    probed = run(planned(*keys, often, "training.evaluate=[]", runs="b"), "", quiet=True)
    plan = planned(*keys, runs="c")
    asked = iter([False] * 7 + [True])
    with pytest.raises(Interrupted):
        run(plan, "", quiet=True, stop=lambda: next(asked))
    np.random.rand(5)
    resumed = run(plan, "", quiet=True)
    hashes = {done.results["weights_sha256"] for done in (first, probed, resumed)}
    assert len(hashes) == 1


@pytest.mark.parametrize(
    ("init", "forward", "said"),
    [
        ("", "", ""),
        ("self.rng = np.random.default_rng(0)", "x = x * self.rng.random()", ""),
        ("self.rng = random.Random(0)", "x = x * (1 + np.random.rand() + random.random())", ""),
        (
            "self.head.weight.data *= np.random.default_rng().random()", "",
            "the weights head.weight;",
        ),
        ("self.rng = random.Random()", "x = x * self.rng.random()", "what it draws in training"),
        (
            "self.rng = np.random.default_rng()",
            "x = x * self.rng.random() if self.training else x",
            "what it draws in training;",
        ),
        (
            "self.rng = np.random.default_rng()",
            "x = x if self.training else x * self.rng.random()",
            "what it draws in evaluation;",
        ),
    ],
)  # fmt: skip
def test_generators_that_the_seed_does_not_set_are_said(
    planned: Planner,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    init: str,
    forward: str,
    said: str,
) -> None:
    head, noise = (
        "nn.Linear(64, num_classes)\n",
        "noise = random.random() + float(np.random.rand())",
    )
    lines = DRAWS.replace(head, f"{head}        {init}\n")
    lines = lines.replace(noise, forward).replace(" * noise", "")
    name = f"own_draws_{abs(hash((init, forward)))}"
    (tmp_path / f"{name}.py").write_text(lines)
    monkeypatch.syspath_prepend(str(tmp_path))
    notes = planned("model=module", f"model.name={name}.Net").notes
    assert len(notes) == bool(said)
    assert not said or said in notes[0]


def test_a_norm_in_a_net_of_torchvisions_is_tried_like_one_in_a_users_net(
    planned: Planner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shaky_norm.py").write_text(
        """
import random
from torch import nn

class Shaky(nn.BatchNorm2d):
    def forward(self, x):
        return super().forward(x) * random.Random().random()
"""
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    keys = ("model=torchvision", "model.name=mobilenet_v3_small")
    assert planned(*keys, "model.norm=batch").notes == ()
    (note,) = planned(*keys, "model.norm=shaky_norm.Shaky").notes
    assert "no run can be repeated" in note


def test_too_few_validation_samples_to_tell(planned: Planner) -> None:
    keys = (
        "data=synthetic",
        "data.shape=[8]",
        "data.classes=2",
        "data.samples=30",
        "data.batch_size=8",
    )
    done = run(planned("model=mlp", *keys, "training.max_steps=30"), "", quiet=True)
    assert done.outcome == "not trained"
    assert done.reason == "6 validation samples are too few to tell it from chance"


def test_the_trained_layout_is_the_one_that_works(
    planned: Planner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """https://github.com/pytorch/benchmark/issues/1367"""
    (tmp_path / "viewing_net.py").write_text(
        "from torch import nn\n"
        "class Net(nn.Module):\n"
        "    def __init__(self, num_classes, shape):\n"
        "        super().__init__()\n"
        "        self.conv, self.head = nn.Conv2d(1, 4, 3), nn.Linear(144, num_classes)\n"
        "    def forward(self, x):\n"
        "        x = self.conv(x)\n"
        "        return self.head(x.view(x.size(0), -1))\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    plan = planned("model=module", "model.name=viewing_net.Net", "training.max_steps=2")
    assert plan.layout == "contiguous"
    [note] = plan.notes
    assert note.startswith("viewing_net.Net: trained with contiguous images, since with channels")
    done = run(plan, "", quiet=True)
    assert done.results["steps"] == 2
