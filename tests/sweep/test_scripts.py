"""Sweeps that a script of the user's starts, with a guard around the call and without."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

CALL = """
import bnexp
print(bnexp.compare("model=mlp", "model.norm={norms}", "optimizer.lr=0.1", "training.epochs=1",
                    "training.max_steps=3", "probes=none", max_seeds=1).sentence)
"""
OWN_NORM = """
from bnexp.norms.catalogue import NORMS, register
register("mine", NORMS["layer"])
if __name__ == "__main__":
"""


@pytest.mark.parametrize(
    ("before", "norms"), [("", "none,batch"), (OWN_NORM, "none,mine")], ids=["bare", "guarded"]
)
def test_workers_of_a_script(before: str, norms: str, tmp_path: Path) -> None:
    call = CALL.format(norms=norms)
    if before:
        call = "".join(f"    {line}\n" for line in call.splitlines())
    (tmp_path / "script.py").write_text(before + call)
    done = subprocess.run(
        [sys.executable, "script.py"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert "freeze_support" not in done.stderr
    assert "undecided" in done.stdout
    assert len(list(tmp_path.glob("runs/mlp*/run.json"))) == 2
