"""A normaliser is one entry of the catalogue, and one of a plugin is known everywhere."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bnexp.norms.catalogue import NormInfo, register

REPOSITORY = Path(__file__).parents[2]
PLUGIN = """
from pydantic import Field
from bnexp.norms.catalogue import NormInfo, Options, register


class Clip(Options):
    limit: float = Field(2.0, gt=0, description="largest value")


register("clip", NormInfo("clipping: no statistics", Clip, "clip_layer.Clip",
                          label="clipping", color="#123456", marker="8", dash="dotted"))
"""
LAYER = """
from torch import nn


class Clip(nn.Module):
    def __init__(self, channels, limit=2.0):
        super().__init__()
        self.limit = limit

    def forward(self, x):
        return x.clamp(-self.limit, self.limit)
"""
COMMANDS = """
import os
import sys
from bnexp.cli import run

assert "torch" not in sys.modules
for line in ("bnexp train model.norm=batch,c", "bnexp explain c", "bnexp explain norm=c"):
    os.environ |= {"COMP_LINE": line, "COMP_POINT": str(len(line))}
    run(["-sc", "query=bash"])
run(["list", "norms"])
assert "torch" not in sys.modules
SHORT = ["data.train_size=100", "training.epochs=1", "probes=none"]
for arguments in (
    ["explain", "clip", "shape=4,6", "limit=9.0"],
    ["train", "model=mlp", "model.norm=clip", *SHORT],
    ["train", "model=mlp", "model.norm=clip", "+model.norm_options.limit=-1"],
    ["train", "model=mlp", "model.norm=clap"],
    ["report", "--all"],
):
    print("exit code", run(arguments), flush=True)
from bnexp.report.labels import norm_name
from bnexp.report.style import look, norm_order

assert norm_name("clip") == "clipping"
assert (look("clip").color, look("clip").marker) == ("#123456", "8")
assert norm_order("batch") < norm_order("clip") < norm_order("mine.Norm")
print("figures agree")
"""


def test_a_norm_of_a_plugin_is_known_everywhere(tmp_path: Path) -> None:
    """In the schema, the list, the completion, `explain` and figures, without touching ours."""
    folder = tmp_path / "elsewhere" / "bnexp_plugins"
    folder.mkdir(parents=True)
    (folder / "clip.py").write_text(PLUGIN)
    (folder.parent / "clip_layer.py").write_text(LAYER)
    done = subprocess.run(
        [sys.executable, "-c", COMMANDS],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": f"{REPOSITORY}:{folder.parent}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    lines = done.stdout.splitlines()
    assert "model.norm=batch,clip" in lines[0].split(), done.stdout
    assert "clip" in lines[1].split()
    assert "norm=clip" in lines[2].split()
    assert "  clip             clipping: no statistics" in lines
    assert "clip: clipping: no statistics" in lines
    assert "no normaliser; known are none, batch" in done.stdout
    assert "model.norm_options.limit=-1: must be greater than 0" in done.stdout
    codes = [line[-1] for line in lines if line.startswith("exit code")]
    assert codes == ["0", "0", "2", "2", "0"], done.stdout
    assert "figures agree" in lines
    page = next(tmp_path.rglob("index.html")).read_text()
    assert "clip" in page


def test_a_name_that_is_taken() -> None:
    for name in ("batch", "keep"):
        with pytest.raises(ValueError, match=f"a normaliser '{name}' already"):
            register(name, NormInfo("another"))
