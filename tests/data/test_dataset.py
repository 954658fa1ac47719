import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import REPOSITORY

PLUGIN = '''
"""A dataset in one module: keys, arrays, checks, preset."""

from pydantic import Field

from bnexp.data.dataset import Data, register
from bnexp.plugins import add_preset


class Moons(Data):
    """Two half moons."""

    noise: float = Field(ge=0, description="standard deviation")


class Source:
    def __init__(self, data):
        self.data = data

    def facts(self):
        from bnexp.data.cache import Facts

        return Facts.of(self.splits(), classes=2)

    def splits(self):
        import numpy as np
        from bnexp.data.splits import with_validation
        from sklearn.datasets import make_moons

        x, y = make_moons(400, noise=self.data.noise, random_state=0)
        x = x.astype(np.float32)
        return with_validation(x[:300], y[:300], x[300:], y[300:], val=60)


def check(data):
    return ["data.noise=13: unlucky"] if data.noise == 13 else []


register("moons", Source, options=Moons, size=((2,), 240), check=check)
values = {"defaults": ["/every_dataset@_here_"], "name": "moons", "noise": 0.1}
add_preset("data", "moons", "two half moons", values)
'''

COMMANDS = """
import sys
from bnexp.cli import run

for arguments in (
    ["-sc", "query=bash"],
    ["list", "datasets"],
    ["train", "model=mlp", "data=moons", "data.noise=0.2", "data.split_seed=3",
     "training.epochs=9", "probes=none", "data.batch_size=16"],
    ["train", "model=mlp", "data=moons", "data.noise=-1"],
    ["train", "model=mlp", "data=moons", "data.nose=1"],
    ["train", "model=mlp", "data=moons", "data.noise=13", "data.batch_size=241"],
):
    print("exit code", run(arguments), flush=True)
"""


def test_a_dataset_is_one_module(tmp_path: Path) -> None:
    """In the schema, the list, the completion and the checks, without touching ours."""
    folder = tmp_path / "elsewhere" / "bnexp_plugins"
    folder.mkdir(parents=True)
    (folder / "moons.py").write_text(PLUGIN)
    done = subprocess.run(
        [sys.executable, "-c", COMMANDS],
        cwd=tmp_path,
        env=os.environ
        | {
            "PYTHONPATH": f"{REPOSITORY}:{folder.parent}",
            "COMP_LINE": "bnexp train data=mo",
            "COMP_POINT": "19",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert "two half moons" in done.stdout
    assert "mlp on moons" in done.stdout
    assert "data.noise=-1: must be greater than or equal to 0" in done.stdout
    assert "data.nose=1: unknown key; nearest known key: data.noise" in done.stdout
    assert "data.noise=13: unlucky" in done.stdout
    assert "data.batch_size=241: there are 240 training samples" in done.stdout
    codes = [line[-1] for line in done.stdout.splitlines() if line.startswith("exit code")]
    assert codes == ["0", "0", "0", "2", "2", "2"], done.stdout
    assert "data=moons" in done.stdout.splitlines()[0]
