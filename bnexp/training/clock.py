"""Where the time of a run goes."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

KINDS = ("training", "evaluation", "probing")


class Clock:
    """Wall-clock seconds by kind; `seconds` may be set, to go on from an earlier part."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(KINDS, 0.0)
        self._running: list[str] = []
        self._since = 0.0

    @contextmanager
    def timed(self, kind: str) -> Iterator[None]:
        """Count the time within the context as `kind`, and not as that of a context around it."""
        self._settle()
        self._running.append(kind)
        try:
            yield
        finally:
            self._settle()
            self._running.pop()

    def _settle(self) -> None:
        now = perf_counter()
        if self._running:
            self.seconds[self._running[-1]] += now - self._since
        self._since = now
