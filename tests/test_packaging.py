import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

import bnexp
from tests.conftest import REPOSITORY


@pytest.mark.ci
def test_a_wheel_runs_in_a_clean_environment_elsewhere(tmp_path: Path) -> None:
    def call(*command: str | Path) -> str:
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        return subprocess.run(
            command, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True
        ).stdout

    python = sys.executable
    call(python, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path, REPOSITORY)
    [wheel] = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "bnexp/conf/train.yaml" in names
    assert not any(name.startswith(("tests/", "conf/", "scripts/", "results/")) for name in names)

    call(python, "-m", "venv", "--without-pip", tmp_path / "clean")
    clean = tmp_path / "clean" / "bin"
    call(python, "-m", "pip", "--python", clean / "python", "install", "--no-deps", wheel)
    here = call(clean / "python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))")
    # The dependencies, by path: a path file inside that folder (an editable bnexp) is not read.
    Path(here.strip(), "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    where = call(clean / "python", "-c", "import bnexp; print(bnexp.__file__)")
    assert Path(where.strip()).is_relative_to(tmp_path / "clean")
    said = call(clean / "bnexp", "train", "+model=cnn_bn", "training.max_steps=4", "threads=1")
    assert "cnn_bn on digits" in said
    swept = ("train", "-m", "+model=mlp,mlp_bn", "training.max_steps=2")
    call(clean / "bnexp", *swept)
    assert len(list(tmp_path.glob("runs/mlp*/run.json"))) == 2


def test_a_checkout_that_is_not_installed_says_its_version_and_writes_evidence(
    tmp_path: Path,
) -> None:
    """An uninstalled package has no metadata; found after a ledger had trained for two minutes."""
    code = (
        "import importlib.metadata as metadata, sys\n"
        "known = metadata.version\n"
        "def version(name):\n"
        "    if name == 'bnexp':\n"
        "        raise metadata.PackageNotFoundError(name)\n"
        "    return known(name)\n"
        "metadata.version = version\n"
        "from bnexp.cli import main\n"
        "main()\n"
    )
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    for line in (["--version"], ["reproduce", "A1", f"out={tmp_path}"]):
        done = subprocess.run(
            [sys.executable, "-c", code, *line], env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "evidence.csv").exists()


def test_one_version() -> None:
    cited = (REPOSITORY / "CITATION.cff").read_text()
    assert f"\nversion: {bnexp.__version__}\n" in cited
    changes = (REPOSITORY / "CHANGELOG.md").read_text()
    assert f"\n## {bnexp.__version__}\n" in changes
