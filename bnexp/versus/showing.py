"""An answer on the terminal, and the table that is updated there while runs end."""

import shutil
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bnexp.showing import harmless, printable
from bnexp.sweep import Result
from bnexp.versus.answer import Answer

STYLES = {"better": "green", "faster": "green", "worse": "red", "slower": "red", "as good": "cyan"}
LEFT = ("arm", "lost", "verdict")
DISPENSABLE = ("seconds", "parameters", "lost", "rate", "against", "for")
GAP = 3  # between columns
QUIET = 20.0  # looks take at most one in so many parts of the time


def text(answer: Answer, width: int | None = None) -> str:
    """Sentence, table, what was held and chosen, warnings."""
    width = width or max(shutil.get_terminal_size((120, 24)).columns, 60)
    console = Console(width=width, highlight=False, no_color=True)
    with console.capture() as captured:
        console.print(Text(f"{answer.sentence}."))
        if answer.seeds or answer.lines:
            console.print(table(answer, width))
        for line in notes(answer):
            console.print(Text(line))
    return "\n".join(line.rstrip() for line in captured.get().rstrip().splitlines())


def table(answer: Answer, width: int) -> Table:
    """The table of arms for rich; a narrow one leaves out the columns that matter least."""
    cells = answer.cells
    least = {str(name): _least(answer.heads[str(name)], cells[name], str(name)) for name in cells}
    for name in DISPENSABLE:
        if name in least and _whole(least.values()) > width:
            del least[name]
    widths = {name: max(least[name], *map(cell_len, cells[name])) for name in least}
    heads = {name: max(widths[name], cell_len(answer.heads[name])) for name in least}
    widths = _fitted(_fitted(heads, widths, width), least, width)
    out = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name, columns in widths.items():
        out.add_column(
            Text(answer.heads[name]), justify="left" if name in LEFT else "right", overflow="fold",
            width=columns,
        )  # fmt: skip
    for row in cells[list(widths)].itertuples(index=False, name=None):
        out.add_row(
            *(
                Text(printable(cell), style=_style(name, cell))
                for name, cell in zip(widths, row, strict=True)
            )
        )
    return out


def _least(head: str, cells: Iterable[str], name: str) -> int:
    """How narrow a column may become without breaking a word or a number, in characters."""
    parts = [*head.split(), *(" ".join(cells).split() if name in (*LEFT, "difference") else cells)]
    return max(map(cell_len, parts))


def _whole(widths: Collection[int]) -> int:
    return sum(widths) + GAP * (len(widths) - 1)


def _fitted(widths: Mapping[str, int], least: Mapping[str, int], width: int) -> dict[str, int]:
    """Narrow the widest column, never below its least, until all fit or none can be narrowed."""
    found = dict(widths)
    while _whole(found.values()) > width:
        giving = [name for name in found if found[name] > least[name]]
        if not giving:
            break
        found[max(giving, key=found.__getitem__)] -= 1
    return found


def _style(name: str, cell: str) -> str:
    word = cell.partition(",")[0]
    return STYLES.get(word, "yellow" if word != "control" else "dim") if name == "verdict" else ""


def notes(answer: Answer) -> list[str]:
    """Why a pair is undecided, what was held fixed and chosen, and what to beware of."""
    open_ = [
        f"Undecided, {one.assertion.quantity}: {one.reason}"
        for one in answer.verdicts
        if not one.decided and one.reason
    ]
    return [
        *open_,
        *([f"Held fixed: {answer.held}"] if answer.held else []),
        *([f"Chosen: {answer.chosen}"] if answer.chosen else []),
        *(f"Warning: {warning}" for warning in answer.warnings),
    ]


class Live:
    """The answer so far on a terminal, renewed when a run ends; nothing elsewhere.

    `look` takes in a run that ended and gives the answer so far with a line on the progress.
    """

    def __init__(self, look: Callable[[Result], None], now: Callable[[], tuple[str, Answer]]):
        self.look, self.now = look, now
        self.on_terminal = sys.stderr.isatty()
        self.lock = threading.Lock()
        self.rest = 0.0
        self.live: Any = None

    def __enter__(self) -> "Live":
        if self.on_terminal:
            from rich.live import Live as OnTerminal

            self.live = OnTerminal(console=Console(stderr=True), auto_refresh=False, transient=True)
            harmless(self.live.start)()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if self.live is not None:
            harmless(self.live.stop)()

    def ended(self, result: Result) -> None:
        """One more run has ended."""
        if self.live is None:
            return
        with self.lock:
            began = time.monotonic()
            if began < self.rest:
                return
            self.look(result)
            self.show()
            self.rest = time.monotonic() + min(QUIET * (time.monotonic() - began), 10.0)

    def show(self) -> None:
        """Renew the table."""
        if self.live is not None:
            from rich.console import Group

            state, answer = self.now()
            harmless(self.live.update)(
                Group(table(answer, self.live.console.width), Text(state)), refresh=True
            )


def round_told(answer: Answer, count: int) -> str:
    """Between two rounds: where each pair stands, in a line."""
    from bnexp.versus.answer import verdict_words, with_interval

    told = [
        f"{one.assertion.quantity} {verdict_words(one, answer.metric)}, {with_interval(one)}"
        for one in answer.verdicts
    ]
    return f"{len(answer.seeds)} seeds: {'; '.join(told)}; on to {count} seeds"


def to_stderr(lines: Sequence[str]) -> None:
    """Print lines on stderr."""
    for line in lines:
        harmless(print)(line, file=sys.stderr, flush=True)
