"""The last sweeps: each `train -m` leaves one small file in `runs/.sweep/`.

A single run leaves none, so that it does not hide the sweep before it.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from bnexp.runs.files import write_text


@dataclass(frozen=True)
class Manifest:
    """A sweep: when it was last started (ISO 8601, UTC), its command and its runs' identities."""

    when: str
    command: str
    identities: tuple[str, ...]


def write(runs_dir: Path, command: str, identities: Iterable[str]) -> None:
    """Note a sweep that starts now, in place of an earlier start of the same command."""
    folder = runs_dir / ".sweep"
    folder.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC).isoformat(timespec="microseconds")
    manifest = Manifest(now, command, tuple(dict.fromkeys(identities)))
    name = hashlib.sha256(command.encode()).hexdigest()[:12]
    write_text(folder / f"{name}.json", json.dumps(asdict(manifest), indent=1) + "\n")


def manifests(runs_dir: Path) -> list[Manifest]:
    """The sweeps into this folder of runs, the newest last; other files are left out."""
    found = (_read(path) for path in (runs_dir / ".sweep").glob("*.json"))
    return sorted((one for one in found if one is not None), key=lambda one: one.when)


def last(runs_dir: Path) -> Manifest | None:
    """The sweep that was started last."""
    found = manifests(runs_dir)
    return found[-1] if found else None


def _read(path: Path) -> Manifest | None:
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
        manifest = Manifest(tree["when"], tree["command"], tuple(tree["identities"]))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    texts = (manifest.when, manifest.command, *manifest.identities)
    return manifest if all(isinstance(text, str) for text in texts) else None
