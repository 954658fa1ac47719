"""`--live`: a page that shows in a browser how far a sweep is, written again while it runs."""

import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any

from bnexp.plan import Plan
from bnexp.runs.files import write_texts
from bnexp.runs.header import read_header
from bnexp.runs.identity import flatten
from bnexp.runs.places import is_running
from bnexp.showing import harmless, printable
from bnexp.sweep.result import Result

if TYPE_CHECKING:
    from bnexp.runs.tables import Runs

PAUSE = 10.0  # seconds between two pages, and between two looks of the browser
SHARE = 50  # writing takes at most one part in so many of the time
CURVES = 200  # runs drawn: those that are running, and those that ended last
WIDTH, HEIGHT = 800, 240  # of the curves


@dataclass(frozen=True)
class Row:
    """One arm so far; accuracies are those of validation, of its runs that trained."""

    label: str
    color: str
    runs: int
    done: int
    running: int
    diverged: int
    failed: int
    mean: float | None
    best: float | None


class LivePage:
    """`index.html` in `folder`, of the runs that it was told of. Writing it never raises."""

    def __init__(self, folder: Path, command: str) -> None:
        self.folder, self.command = folder, command
        self.plans: dict[str, Plan] = {}
        self.results: dict[str, Result] = {}
        self.arms: list[tuple[str, str, list[str]]] = []  # label, colour, identities
        self.grouped = 0  # plans that `arms` holds
        self.due = 0.0  # when the next page may be written
        self.warned = self.over = False
        self.lock = threading.Lock()  # other engines are watched in a thread
        harmless(print)(f"live: {folder / 'index.html'}", file=sys.stderr, flush=True)

    def expect(self, plans: Iterable[Plan], before: Mapping[str, Result]) -> None:
        """Take in the runs of a batch, and the results of those that need no training."""
        self.plans |= {plan.identity: plan for plan in plans}
        self.results |= before

    def ended(self, result: Result) -> None:
        """One more run has ended."""
        self.results[result.identity] = result

    def renew(self) -> None:
        """Write the page, if it is time to."""
        if time.monotonic() >= self.due:
            self._write(over=False)

    def end(self) -> None:
        """Write the page for the last time; the browser looks no more."""
        self._write(over=True)

    def _write(self, over: bool) -> None:
        with self.lock:
            if self.over or not self.plans:
                return
            self.over = over
            import bnexp.report.arms  # noqa: F401  # before the clock: a sweep's end needs it too

            began = time.monotonic()
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                write_texts({self.folder / "index.html": self._html()}, sync=False)
            except Exception as error:  # a page is no reason to lose a sweep
                if not self.warned:
                    why = printable(getattr(error, "strerror", None) or str(error))
                    told = f"bnexp: live={self.folder}: no page is written: {why}"
                    harmless(print)(told, file=sys.stderr, flush=True)
                self.warned = True
            ended = time.monotonic()
            self.due = ended + max(PAUSE, SHARE * (ended - began))

    def _html(self) -> str:
        import jinja2

        running = {one for one, plan in self.plans.items() if self._is_running(plan)}
        rows = [self._row(*arm, running) for arm in self._arms()]
        failed = [result for result in [*self.results.values()] if result.failed]
        template = files("bnexp.sweep").joinpath("live.html.j2").read_text(encoding="utf-8")
        environment = jinja2.Environment(
            autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
        )
        return environment.from_string(template).render(
            page=self, rows=rows, running=len(running), failed=failed, pause=int(PAUSE),
            done=sum(row.done for row in rows), width=WIDTH, height=HEIGHT,
            curves=self._curves(running), now=time.strftime("%Y-%m-%d %H:%M:%S"),
        )  # fmt: skip

    def _is_running(self, plan: Plan) -> bool:
        if self.over or plan.identity in self.results:
            return False
        header = read_header(self._folder(plan.identity))
        begun = header is not None and header["status"] == "running"
        return begun and is_running(plan.runs_dir, plan.identity)

    def _folder(self, run: str) -> Path:
        """Where it is, which may be under another preset, or where it will be."""
        result, plan = self.results.get(run), self.plans[run]
        return (result and result.folder) or plan.own_folder

    def _arms(self) -> list[tuple[str, str, list[str]]]:
        """The arms as reports have them, of runs that have not begun too."""
        if self.grouped < len(self.plans):
            from bnexp.report.arms import group

            table = [
                {"run": one, "preset": plan.preset} | flatten(plan.recorded)
                for one, plan in self.plans.items()
            ]
            arms = group(_runs(table))
            self.arms = [(arm.label, arm.look.color, [*arm.runs["run"]]) for arm in arms]
            self.grouped = len(table)
        return self.arms

    def _row(self, label: str, color: str, runs: list[str], running: set[str]) -> Row:
        ends = [self.results[run] for run in runs if run in self.results]
        reached = [end.results.get("val_accuracy") for end in ends if end.outcome == "trained"]
        accuracies = [value for value in reached if value is not None]
        return Row(
            label, color, len(runs),
            sum(end.status == "done" for end in ends),
            len(running.intersection(runs)),
            sum(end.outcome == "diverged" for end in ends),
            sum(end.failed for end in ends),
            mean(accuracies) if accuracies else None,
            max(accuracies, default=None),
        )  # fmt: skip

    def _curves(self, running: set[str]) -> tuple[float, list[tuple[str, str, str]]]:
        """The last epoch, and each run's arm, colour and points; a running one's as on the disk."""
        shown = [*running, *reversed([*self.results])][:CURVES]
        table = [{"run": run, "folder": str(self._folder(run))} for run in shown]
        epochs = _runs(table).epochs.dropna(subset=["val_accuracy"])
        last = float(epochs["epoch"].max()) if len(epochs) else 0.0
        looks = {run: (label, color) for label, color, runs in self.arms for run in runs}
        found = []
        for run, curve in epochs.groupby("run"):
            x = WIDTH * curve["epoch"] / (last or 1)
            y = HEIGHT * (1 - curve["val_accuracy"])
            points = " ".join(f"{a:.0f},{b:.1f}" for a, b in zip(x, y, strict=True))
            found.append((*looks[str(run)], points))
        return last, found


@contextmanager
def live_page(folder: str | None, command: str) -> Iterator[LivePage | None]:
    """The page of what is trained inside; none where no folder is named."""
    page = LivePage(Path(folder), command) if folder else None
    try:
        yield page
    finally:
        if page is not None:
            page.end()


def _runs(rows: list[dict[str, Any]]) -> "Runs":
    from bnexp.runs.tables import Runs, as_table

    return Runs(as_table(rows))
