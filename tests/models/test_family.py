import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

PLUGIN = '''
"""A family of nets in one module: keys, net, checks, preset."""

from typing import Literal

from pydantic import Field

from bnexp.models.family import Family, Normalised, register
from bnexp.plugins import add_preset


class Tiny(Normalised):
    """One linear layer."""

    kind: Literal["tiny"]
    gain: float = Field(gt=0, description="factor on the logits")


def build(model, shape, classes):
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.head = nn.Linear(shape[0] * shape[1] * shape[2], classes)

        def forward(self, x):
            return model.gain * self.head(x.flatten(1))

    return Net()


def check(model, shape, classes):
    return ["model.gain=13: unlucky"] if model.gain == 13 else []


register(Family(Tiny, build, dimensions=(3,), check=check))
values = {"kind": "tiny", "gain": 1.0, "norm": "none", "norm_options": {}, "weights": None}
add_preset("model", "tiny", "one linear layer", values)
'''


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    folder = tmp_path / "elsewhere" / "bnexp_plugins"
    folder.mkdir(parents=True)
    (folder / "tiny.py").write_text(PLUGIN)
    return folder.parent


COMMANDS = """
import sys
from bnexp.cli import run

for arguments in (
    ["-sc", "query=bash"],
    ["list", "models"],
    ["train", "model=tiny", "model.gain=2.0", "training.max_steps=3", "probes=none"],
    ["train", "model=tiny", "model.gain=0"],
    ["train", "model=tiny", "model.gaim=1"],
    ["train", "model=tiny", "model.gain=13"],
    ["train", "model=tiny", "data=synthetic", "data.shape=[4]"],
):
    print("exit code", run(arguments), flush=True)
"""


def test_a_family_of_nets_is_one_module(plugin: Path, tmp_path: Path) -> None:
    """In the schema, the list, the completion and the checks, without touching ours."""
    done = subprocess.run(
        [sys.executable, "-c", COMMANDS],
        cwd=tmp_path,
        env=os.environ
        | {
            "PYTHONPATH": f"{REPOSITORY}:{plugin}",
            "COMP_LINE": "bnexp train model=ti",
            "COMP_POINT": "20",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert "one linear layer" in done.stdout
    assert "tiny on digits" in done.stdout
    assert "model.gain=0: must be greater than 0" in done.stdout
    assert "model.gaim=1: unknown key; nearest known key: model.gain" in done.stdout
    assert "model.gain=13: unlucky" in done.stdout
    assert "model.kind=tiny: reads images, and a sample is [4]" in done.stdout
    codes = [line[-1] for line in done.stdout.splitlines() if line.startswith("exit code")]
    assert codes == ["0", "0", "0", "2", "2", "2", "2"]
    assert "model=tiny" in done.stdout.splitlines()[0]
