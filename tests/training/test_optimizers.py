import json
import os
from pathlib import Path

import pytest
import torch
from pydantic import TypeAdapter

from bnexp.compose import compose
from bnexp.config import AnyOptimizer
from bnexp.training.optimizers import make_optimizer
from tests.conftest import REPOSITORY, Cli

REFERENCES = {
    "sgd": lambda p: torch.optim.SGD(p, 0.1, weight_decay=0.01),
    "momentum": lambda p: torch.optim.SGD(p, 0.1, momentum=0.9, weight_decay=0.01),
    "nesterov": lambda p: torch.optim.SGD(p, 0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "rmsprop": lambda p: torch.optim.RMSprop(p, 0.1, weight_decay=0.01),
    "adam": lambda p: torch.optim.Adam(p, 0.1, weight_decay=0.01),
    "adamw": lambda p: torch.optim.AdamW(p, 0.1, weight_decay=0.01),
}


@pytest.mark.parametrize("name", REFERENCES)
def test_each_takes_the_same_steps_as_torchs_plain_one(name: str) -> None:
    tree, _ = compose([f"optimizer={name}", "optimizer.lr=0.1", "optimizer.weight_decay=0.01"])
    config = TypeAdapter(AnyOptimizer).validate_python(tree["optimizer"])
    start = torch.randn(7, 3, dtype=torch.float64, generator=torch.manual_seed(0))
    ours, theirs = (torch.nn.Parameter(start.clone()) for _ in range(2))
    optimizer, reference = make_optimizer(config, [ours]), REFERENCES[name]([theirs])
    for step in range(5):
        for parameter, one in ((ours, optimizer), (theirs, reference)):
            one.zero_grad()
            ((parameter - step) ** 2).sum().backward()
            one.step()
    torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9)


MINE = """
from typing import Literal
import torch
from bnexp.plugins import add_preset
from bnexp.training.optimizers import Optimizer, OptimizerInfo, register

class Options(Optimizer):
    name: Literal["signs"]
    keep: float

class Signs(torch.optim.Optimizer):
    def __init__(self, params, lr, weight_decay, keep):
        super().__init__(params, {"lr": lr, "keep": keep})

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                p.mul_(group["keep"]).sub_(group["lr"] * p.grad.sign())

register("signs", OptimizerInfo("steps by the sign", "bnexp_plugins.signs.Signs", Options))
values = {"name": "signs", "lr": 0.01, "weight_decay": 0.0, "keep": 1.0}
add_preset("optimizer", "signs", "steps by the sign", values)
"""


def test_a_plugin_brings_another_in_one_entry(cli: Cli, tmp_path: Path) -> None:
    """In the schema, the list, the completion and the help, without touching ours."""
    folder = tmp_path / "plugins" / "bnexp_plugins"
    folder.mkdir(parents=True)
    (folder / "signs.py").write_text(MINE)
    path = {"PYTHONPATH": os.pathsep.join([str(REPOSITORY), str(folder.parent)])}
    assert "steps by the sign" in cli("list", "optimizers", **path).stdout
    typed = {"COMP_LINE": "bnexp train optimizer=si", "COMP_POINT": "24"}
    assert cli("-sc", "query=bash", **path, **typed).stdout.split() == ["optimizer=signs"]
    told = cli("train", "--help", "optimizer.keep", **path).stdout
    assert told == "optimizer.keep\n    number; of: Options\n"
    keys = ("model=mlp", "optimizer=signs", "training.max_steps=40", "device=cpu")
    done = cli("train", *keys, "optimizer.keep=0.999", **path)
    assert done.returncode == 0, done.stderr
    [record] = [json.loads(p.read_text()) for p in tmp_path.glob("runs/*/run.json")]
    assert record["config"]["optimizer"]["keep"] == 0.999
    assert record["outcome"] == "trained"
    wrong = cli("train", *keys, "optimizer.keep=text", **path)
    assert wrong.returncode == 2
    assert "optimizer.keep=text: must be a valid number" in wrong.stderr
