"""Scalars of a run to TensorBoard, MLflow, W&B or Trackio, besides the record. Off by default.

A logger is somebody else's program: it works in a thread of its own, and whatever becomes of it,
training goes on. What it gets is what the record holds, so that it can be caught up at any time:
after a kill, or when it is first asked for once the run is done.
"""

import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Literal, Protocol

from bnexp.config import Logger
from bnexp.errors import UserError
from bnexp.runs.header import Unreadable, load_header
from bnexp.runs.record import BEST, COLUMNS
from bnexp.showing import harmless

PATIENCE = 5.0  # seconds that a run, once it has ended, waits for a logger that does nothing
STARTING = 20.0  # for one that has yet to start: a package to import, a database to make
TABLES = {"steps": ("loss", "lr"), "epochs": COLUMNS["epochs"]}  # what of them is logged
Ending = Literal["done", "interrupted", "failed"]


class ScalarLog(Protocol):
    """What a logger's package has to offer."""

    known: Mapping[str, int]  # the last step that it has already, by name

    def log(self, step: int, scalars: Mapping[str, float]) -> None:
        """Send values, each by its name, as of `step`."""

    def close(self, ending: Ending) -> None:
        """Write out what is pending and say how the run ended; nothing may be logged after."""


class LastSteps:
    """The last step that was sent, by name, in a file: for loggers that cannot be read back."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.known: dict[str, int] = {}
        if file.exists():
            lines = (line.split() for line in file.read_text().splitlines())
            self.known = {name: int(step) for name, step in lines}

    def note(self, step: int, names: Iterable[str]) -> None:
        """These were sent as of `step`."""
        self.known |= dict.fromkeys(names, step)
        self.file.parent.mkdir(exist_ok=True)
        self.file.write_text("".join(f"{name} {step}\n" for name, step in self.known.items()))


class RunLog:
    """Sends what is new in a record's tables to a logger, in a thread, and never raises."""

    def __init__(self, name: str, start: Callable[[], ScalarLog]) -> None:
        self.name, self.start = name, start
        self.sent = dict.fromkeys(TABLES, 0)
        self.queue: SimpleQueue[tuple[int, dict[str, float]] | Ending] = SimpleQueue()
        self.started, self.moved = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self._work, daemon=True)
        self.thread.start()

    def send(self, tables: Mapping[str, Sequence[Sequence[Any]]]) -> None:
        """Send the rows that were added since the last call."""
        rows = [(step, values) for name in TABLES for step, values in self._new(name, tables[name])]
        for row in sorted(rows, key=lambda row: row[0]):  # W&B wants steps that rise
            self.queue.put(row)

    def end(
        self, tables: Mapping[str, Sequence[Sequence[Any]]], results: Mapping[str, Any]
    ) -> None:
        """Send those of the results that are known only at the end, as of the last step."""
        last = max(row[COLUMNS["epochs"].index("step")] for row in tables["epochs"])
        known = {name: results[name] for name in BEST if results.get(name) is not None}
        self.queue.put((last, known))

    def close(self, ending: Ending) -> None:
        """Let the logger finish, for as long as it makes progress, and start if the run is done.

        One that was interrupted does not wait for that: who pressed Ctrl-C wants to get out.
        """
        self.queue.put(ending)
        while self.thread.is_alive():
            self.moved.clear()
            starts = ending == "done" and not self.started.is_set()
            patience = STARTING if starts else PATIENCE
            self.thread.join(patience)
            if self.thread.is_alive() and not self.moved.is_set():
                self._complain(f"gives no answer for {patience:.0f} s")
                return

    def _new(
        self, name: str, rows: Sequence[Sequence[Any]]
    ) -> Iterator[tuple[int, dict[str, float]]]:
        at = [(column, COLUMNS[name].index(column)) for column in TABLES[name]]
        step = COLUMNS[name].index("step")
        for row in rows[self.sent[name] :]:
            yield row[step], {column: row[i] for column, i in at if row[i] is not None}
        self.sent[name] = max(self.sent[name], len(rows))

    def _work(self) -> None:
        try:
            log = self.start()
            self.started.set()
            self.moved.set()
            while isinstance(item := self.queue.get(), tuple):
                step, values = item
                new = {name: v for name, v in values.items() if step > log.known.get(name, -1)}
                if new:
                    log.log(step, new)
                self.moved.set()
            log.close(item)
        except (Exception, SystemExit) as error:
            self._complain(" ".join(f"{type(error).__name__}: {error}".split())[:300])

    def _complain(self, what: str) -> None:
        _complain(self.name, f"{what}; the record has everything")


def make_logger(logger: Logger, folder: Path, config: Mapping[str, Any]) -> RunLog:
    """Start the logger that `logger.name` asks for, which must not be `none`.

    Files go below `folder`, the run's; `config` is sent along as the run's parameters. Raises
    UserError where the package is not installed.
    """
    try:
        module = import_module(f"bnexp.loggers.{logger.name}")
    except ImportError as error:
        raise UserError(
            f"logger={logger.name} needs bnexp[{logger.name}]: "
            f"pip install 'bnexp[{logger.name}]' ({error})"
        ) from None
    return RunLog(logger.name, lambda: module.start(logger, folder, config))


def feed(logger: Logger, folder: Path, config: Mapping[str, Any]) -> None:
    """Send a logger what it lacks of a done run, from the record; a damaged one is one line.

    `logger.name` must not be `none`.
    """
    from bnexp.runs.tables import DamagedTable

    try:
        tables = {name: _rows(folder, name) for name in TABLES}
        results = load_header(folder)["results"]
    except (DamagedTable, Unreadable) as why:
        _complain(logger.name, f"is not told of {folder}: {why}")
        return
    log = make_logger(logger, folder, config)
    log.send(tables)
    if tables["epochs"]:
        log.end(tables, results)
    log.close("done")


def _rows(folder: Path, name: str) -> list[list[Any]]:
    import csv

    from bnexp.runs.tables import table_bytes

    columns = COLUMNS[name]
    at = columns.index("step")
    _, *rows = csv.reader((table_bytes(folder, name) or b"\n").decode().splitlines())
    return [
        [int(v) if i == at else float(v) if v else None for i, v in enumerate(row)] for row in rows
    ]


def _complain(name: str, what: str) -> None:
    harmless(print)(f"bnexp: logger={name}: {what}", file=sys.stderr, flush=True)


def identity_of(folder: Path) -> str:
    """The run's identity, under which a logger goes on with it."""
    return folder.name.rpartition("-")[2]
