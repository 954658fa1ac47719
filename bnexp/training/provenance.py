"""Where a result comes from: versions, commit, device, command. No host or user name."""

import platform
import subprocess
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from bnexp import __version__


def provenance(device: torch.device, command: str) -> dict[str, Any]:
    """What `run.json` keeps about the machine and the code that trained a run."""
    return _code() | {
        "device_name": _device_name(device),
        "threads": torch.get_num_threads(),
        "command": command,
    }


@lru_cache
def _code() -> dict[str, Any]:
    libraries = ("torch", "torchvision", "numpy", "pandas", "hydra-core")
    commit = _git("rev-parse", "HEAD")
    return {name: _version(name) for name in libraries} | {
        "bnexp": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "git_commit": commit,
        "git_dirty": None if commit is None else bool(_git("status", "--porcelain", "-uno")),
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _git(*arguments: str) -> str | None:
    """Output of git in the folder of this code, None where that is no checkout of it."""
    here = Path(__file__).resolve().parents[2]
    if not (here / ".git").exists():
        return None
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=here, capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


@lru_cache
def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
