"""Decoded datasets, kept in the user's cache folder: one file per dataset and place.

A file that is stale, damaged or cannot be written costs time, never a run.
"""

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bnexp.data.splits import Splits

_FORMAT = 2  # goes up whenever decoding, the splits or the file's layout change


@dataclass(frozen=True)
class Facts:
    """What is known of a dataset without its tensors.

    `shape` is of one sample; `train`, `val` and `test` count samples; `content` is a SHA-256 of
    the decoded images and labels, the same wherever the files lie.
    """

    shape: tuple[int, ...]
    classes: int
    train: int
    val: int
    test: int
    content: str
    note: str | None = None  # what of the files is not used

    @classmethod
    def of(cls, splits: Splits, classes: int) -> "Facts":
        """The facts of decoded arrays."""
        sizes = len(splits.train_y), len(splits.val_y), len(splits.test_y)
        return cls(splits.train_x.shape[1:], classes, *sizes, splits.content())


@dataclass(frozen=True)
class Cached:
    """A dataset on this machine that takes time to decode.

    `place` says which copy it is, and `stamp` changes when the copy does; both are plain data.
    """

    name: str
    classes: int
    place: Any
    stamp: Any
    decode: Callable[[], Splits]
    note: str | None = None

    def facts(self) -> Facts:
        """The facts, from the cache if possible."""
        facts = self._cached_facts() or self._decode_and_store()[0]
        return replace(facts, note=self.note)

    def splits(self) -> Splits:
        """The arrays, from the cache if possible."""
        return self._cached_splits() or self._decode_and_store()[1]

    @property
    def _file(self) -> Path:
        return cache_folder() / f"{self.name}-{_digest([self.name, self.place])[:16]}.npz"

    @property
    def _stamp(self) -> str:
        return _digest([_FORMAT, self.stamp])

    def _cached_facts(self) -> Facts | None:
        try:
            with self._file.open("rb") as file, np.load(file) as archive:
                meta = json.loads(str(archive["meta"]))
            stamp = meta.pop("stamp")
            facts = Facts(**meta | {"shape": tuple(meta["shape"])})
        except Exception:  # missing, or damaged in any way
            return None
        return facts if stamp == self._stamp else None

    def _cached_splits(self) -> Splits | None:
        facts = self._cached_facts()
        if facts is None:
            return None
        try:
            with self._file.open("rb") as file, np.load(file) as archive:
                splits = Splits(**{name: archive[name] for name in Splits._fields})
        except Exception:
            return None
        return splits if splits.content() == facts.content else None

    def _decode_and_store(self) -> tuple[Facts, Splits]:
        splits = self.decode()
        facts = Facts.of(splits, self.classes)
        meta = np.array(json.dumps(asdict(facts) | {"stamp": self._stamp}))
        with contextlib.suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=self._file.parent, suffix=".tmp")
            try:
                with os.fdopen(handle, "wb") as file:
                    np.savez(file, meta=meta, **splits._asdict())
                Path(temporary).replace(self._file)
            finally:
                Path(temporary).unlink(missing_ok=True)
        return facts, splits


def cache_folder() -> Path:
    """`$XDG_CACHE_HOME/bnexp`, usually ~/.cache/bnexp."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bnexp"


def files_stamp(paths: Iterable[Path]) -> list[tuple[str, int, int]]:
    """Name, size and time of change of every file."""
    stats = [(path, path.stat()) for path in paths]
    return [(path.name, stat.st_size, stat.st_mtime_ns) for path, stat in stats]


def _digest(plain: Any) -> str:
    return hashlib.sha256(json.dumps(plain).encode()).hexdigest()
