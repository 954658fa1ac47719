#!/usr/bin/env python3
"""The suite at the lowest versions that pyproject.toml declares, on the oldest and newest Python.

    python scripts/check_versions.py [--python 3.11 3.13] [--folder versions] [-- PYTEST ARGUMENTS]

For each Python, `uv` makes an environment with the lowest direct dependencies that have a wheel for
it, and the suite runs there; then the wheel is built, installed elsewhere and run outside the
checkout. It needs `uv`, a package index, and several gigabytes for each PyTorch, so it is no part
of continuous integration.
"""

import argparse
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
COMPILED = ("matplotlib", "numpy", "pandas", "pillow", "pyarrow", "pyyaml", "scikit-learn", "scipy")


def call(*command: str | Path, cwd: Path = REPOSITORY) -> int:
    print("$", *command, flush=True)
    return subprocess.run(command, cwd=cwd, check=False).returncode


def check(version: str, folder: Path, pytest: list[str]) -> list[str]:
    """Which of the steps failed on this Python."""
    place = folder / f"lowest-{version}"
    python = place / "bin" / "python"
    wheels = [word for name in COMPILED for word in ("--only-binary", name)]
    lowest = ("--resolution", "lowest-direct", *wheels, "--python", python)
    steps: dict[str, tuple[str | Path, ...]] = {
        "environment": ("uv", "venv", "--seed", "--clear", "--python", version, place),
        "installation": ("uv", "pip", "install", *lowest, "-e", f"{REPOSITORY}[dev]"),
        "suite": (python, "-m", "pytest", "-q", *pytest),
        "wheel": (python, "-m", "pytest", "-q", "-m", "ci", "tests/test_packaging.py"),
    }
    for name, command in steps.items():
        if call(*command):
            return [f"Python {version}: {name}"]
    return []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--python", nargs="+", default=["3.11", "3.13"], metavar="VERSION")
    parser.add_argument("--folder", type=Path, default=Path("versions"), help="of environments")
    parser.add_argument("pytest", nargs="*", help="arguments of pytest, after --")
    options = parser.parse_args()
    folder = options.folder.resolve()
    failed = [one for version in options.python for one in check(version, folder, options.pytest)]
    print("\n".join(f"failed: {one}" for one in failed) or "all passed")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
