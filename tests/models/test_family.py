import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Cli

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
values = {"kind": "tiny", "gain": 1.0, "norm": "none", "norm_options": {}}
add_preset("model", "tiny", "one linear layer", values)
'''


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    folder = tmp_path / "elsewhere" / "bnexp_plugins"
    folder.mkdir(parents=True)
    (folder / "tiny.py").write_text(PLUGIN)
    return folder.parent


def test_a_family_of_nets_is_one_module(cli: Cli, plugin: Path) -> None:
    path = f"{Path(__file__).parents[2]}:{plugin}"
    done = cli("list", "models", PYTHONPATH=path)
    assert "tiny" in done.stdout
    assert "one linear layer" in done.stdout
    trained = cli(
        "train", "model=tiny", "model.gain=2.0", "training.max_steps=3", "probes=none",
        PYTHONPATH=path,
    )  # fmt: skip
    assert trained.returncode == 0, trained.stderr
    assert "tiny on digits" in trained.stdout
    for typed, line in [
        ("model.gain=0", "model.gain=0"),
        ("model.gaim=1", "model.gaim=1: unknown key; nearest known key: model.gain"),
        ("model.gain=13", "model.gain=13: unlucky"),
        ("data.shape=[4]", "model.kind=tiny: reads images, and a sample is [4]"),
    ]:
        data = ["data=synthetic"] if "data" in typed else []
        refused = cli("train", "model=tiny", *data, typed, PYTHONPATH=path)
        assert refused.returncode == 2
        assert line in refused.stderr
    code = "from bnexp.cli import main; main()"
    completed = subprocess.run(
        [sys.executable, "-c", code, "-sc", "query=bash"],
        env={"PYTHONPATH": path, "COMP_LINE": "bnexp train model=ti", "COMP_POINT": "20"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "model=tiny" in completed.stdout
