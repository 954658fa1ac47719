"""What a person sees while a sweep runs: one bar on a terminal, sparse lines elsewhere."""

import sys
import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

from bnexp.plan import Plan
from bnexp.showing import harmless
from bnexp.sweep.live import LivePage
from bnexp.sweep.result import Result, from_record

LINES = 20  # about so many lines of a sweep, besides one for each failure
POLL = 1.0  # seconds between two looks at the records


class Progress:
    """Done, running, failed and the time left of `total` runs; `before` more were done already."""

    def __init__(
        self,
        total: int,
        before: int,
        show: bool | None,
        announce: bool = True,
        watch: Callable[[Result], None] | None = None,
        live: LivePage | None = None,
    ) -> None:
        self.announce, self.watch, self.live = announce, watch, live
        self.total, self.before = total, before
        self.on_terminal = sys.stderr.isatty() if show is None else show
        self.failed = 0
        self.seen: set[str] = set()
        self.closed = threading.Event()
        self.started = time.monotonic()
        self.bar: Any = None
        self.state = ""

    def __enter__(self) -> None:
        if self.total and self.on_terminal:
            from tqdm import tqdm

            self.bar = tqdm(total=self.total, unit="run", dynamic_ncols=True, leave=False)
        elif self.total and self.announce:
            told = f"{self.total} runs to train, {self.before} done before"
            harmless(print)(told, flush=True)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.closed.set()
        if self.bar is not None:
            harmless(self.bar.close)()

    @harmless
    def running(self, count: int) -> None:
        """`count` runs are being trained now."""
        state = f"{count} running, {self.failed} failed"
        if self.bar is not None and state != self.state:
            self.state = state
            self.bar.set_postfix_str(state)
        if self.live is not None:
            self.live.renew()

    @harmless
    def ended(self, result: Result) -> None:
        """One more run has ended."""
        if result.identity in self.seen or result.status in ("not started", "interrupted"):
            return
        self.seen.add(result.identity)
        if self.watch is not None:
            self.watch(result)
        if self.live is not None:
            self.live.ended(result)
        self.failed += result.failed
        done = len(self.seen)
        if self.bar is not None:
            self.bar.update()
        elif result.failed or (self.announce and done % max(1, self.total // LINES) == 0):
            left = (time.monotonic() - self.started) / done * (self.total - done)
            told = f": {result.preset}-{result.identity} {result.status}" if result.failed else ""
            print(
                f"{done}/{self.total} runs, {self.failed} failed, {left:.0f} s left{told}",
                flush=True,
            )

    def follow(self, plans: Sequence[Plan]) -> None:
        """Watch the records of runs that another launcher trains, wherever it trains them."""

        def watch() -> None:
            waiting, began = list(plans), time.time()
            while waiting and not self.closed.wait(POLL):
                for plan in list(waiting):
                    folder = plan.own_folder
                    result = from_record(plan, folder, new=True)
                    if result and (folder / "run.json").stat().st_mtime > began:
                        waiting.remove(plan)
                        self.ended(result)
                if self.live is not None:
                    self.live.renew()

        threading.Thread(target=watch, daemon=True).start()
