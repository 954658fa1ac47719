"""A figure that says what it shows: its finding, table and method; it shows itself in notebooks.

Figures are made without pyplot, so no display is needed and nothing is left open.
"""

import io
import re
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Literal

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from bnexp.report.arms import Arms
from bnexp.report.context import context
from bnexp.report.style import FORMATS, MUTED, RC, Format
from bnexp.report.touch import tagged

LETTER = 0.52  # of the font's size: the mean width of a letter
_format: ContextVar[Format] = ContextVar("format", default=FORMATS["screen"])


class Chart(Figure):
    """A matplotlib figure with its finding in words.

    `finding` is one sentence computed from the data, the figure's title; `context` names the
    dataset, the net and the optimizer; `table` holds the numbers drawn; `method` says how they
    came about; `name` is the figure's name in `bnexp plot`. `svg()` and `png()` give the same
    bytes for the same runs.
    """

    def __init__(self, name: str, arms: Arms, height: float) -> None:
        self.format = _format.get()
        scale = self.format.font / FORMATS["screen"].font
        with style():
            super().__init__(figsize=(self.format.width, height * scale), layout="constrained")
        self.name = name
        self.arms = arms
        self.finding = ""
        self.context = context(arms.runs.runs)
        self.method = ""
        self.reading = ""  # how to read the figure: below it, or in the caption of a paper
        self.table = pd.DataFrame()
        self.differences = pd.DataFrame()  # each arm against the control, where that is asked
        self.title_height = 0.0  # inches
        self.key = ""  # what the x-axis of a sensitivity stands for

    def finish(
        self,
        finding: str,
        method: str,
        table: pd.DataFrame,
        handles: Sequence[Artist] = (),
        footer: str = "",
    ) -> "Chart":
        """Put the finding above, then the legend, and below how to read the figure.

        The figure grows by what these need, so that its axes keep their height; a slide keeps
        its own. A paper has the words in its caption.
        """
        self.finding, self.table = finding, table
        self.method = " ".join([method, *self.arms.notes])
        self.reading = " ".join([footer, *self.arms.notes]).replace("  ", " ").strip()
        self._handles = list(handles)
        self._axes_height = self.get_figheight()
        return self.retitle(finding)

    def retitle(self, title: str | None) -> "Chart":
        """Put another title in place of the finding: none for "", the finding for None."""
        if title is not None:
            with formatted(self.format), style():
                self._lay_out(title)
            self.finding = title or self.finding
        return self

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in inches."""
        width, height = self.get_size_inches()
        return float(width), float(height)

    @property
    def caption(self) -> str:
        """Finding, context and how to read it, as the text below a figure of a paper."""
        words = f"{self.finding.rstrip('.')}. {_sentence(self.context)} {self.reading}"
        return re.sub(r"\s+", " ", words).strip()

    def _lay_out(self, finding: str) -> None:
        """Place everything that is not an axis."""
        for artist in (*self.texts, *self.legends):
            artist.remove()
        font = self.format.font
        line = font / 72 * 1.35  # inches
        title = self._wrapped(finding, 1.22 * font * 1.12) if self.format.words else []
        said = self._wrapped(self.context, 0.9 * font) if self.format.words else []
        below = self._wrapped(self.reading, 0.9 * font) if self.format.words else []
        columns = self._columns([str(handle.get_label()) for handle in self._handles])
        rows = -(-len(self._handles) // columns)
        legend = (1.15 * rows * line + 0.1) if rows else 0.0
        notes = 0.92 * len(below) * line + 0.05
        self.title_height = 1.15 * len(title) * line + (0.1 if title else 0.0)
        above = self.title_height + 0.95 * len(said) * line + 0.04
        height = self.format.height or self._axes_height + legend + notes + above
        self.set_figheight(height)
        left = 0.07 / self.format.width
        self.text(
            left, 1 - 0.06 / height, "\n".join(title), ha="left", va="top", fontsize=1.22 * font,
            fontweight="bold", linespacing=1.25, gid="title",
        )  # fmt: skip
        self.text(
            left, 1 - (self.title_height + 0.02) / height, "\n".join(said), ha="left", va="top",
            fontsize=0.9 * font, color=MUTED, gid="context",
        )  # fmt: skip
        self.text(
            left, 0.05 / height, "\n".join(below), ha="left", va="bottom", fontsize=0.9 * font,
            color=MUTED, linespacing=1.3,
        )  # fmt: skip
        if self._handles:
            self.legend(
                handles=self._handles, loc="upper left", bbox_to_anchor=(0, 1 - above / height),
                ncols=columns, handlelength=2.6, borderaxespad=0.2, borderpad=0.2,
                columnspacing=1.5, fontsize=font,
            )  # fmt: skip
        engine = self.get_layout_engine()
        assert isinstance(engine, ConstrainedLayoutEngine)
        engine.set(rect=(0, notes / height, 1, 1 - (above + legend + notes) / height))

    def _wrapped(self, text: str, size: float) -> list[str]:
        """Lines of `text` that fit the figure's width at a font size."""
        return textwrap.wrap(text, int((self.format.width - 0.15) * 72 / (LETTER * size)))

    def _columns(self, labels: list[str]) -> int:
        """As many legend columns as fit into the width."""
        room = self.format.width * 72 / (LETTER * self.format.font) - 3
        for columns in range(len(labels), 1, -1):
            parts = np.array_split(np.array(list(map(len, labels))), columns)
            if sum(part.max() + 9 for part in parts) <= room:
                return columns
        return 1

    def svg(self) -> str:
        """The figure as an SVG document."""
        return tagged(
            self,
            self.arms if len(self.arms.runs.runs) else (),  # a figure of verdicts has none
            lambda: _shorter(self._saved("svg", {"Date": None, "Creator": None}).decode()),
        )

    def png(self, dpi: int = 160) -> bytes:
        """The figure as a PNG file."""
        return self._saved("png", {"Software": None}, dpi=dpi)

    def save(self, path: Path) -> None:
        """Write the figure in the format that the file's ending names: svg, png or pdf."""
        if path.suffix == ".svg":
            path.write_text(self.svg(), encoding="utf-8")
        elif path.suffix == ".png":
            path.write_bytes(self.png())
        else:
            path.write_bytes(self._saved("pdf", {"CreationDate": None, "Producer": None}))

    def _saved(self, kind: Literal["svg", "png", "pdf"], metadata: Any, **options: Any) -> bytes:
        file = io.BytesIO()
        with formatted(self.format), style():
            self.savefig(file, format=kind, metadata=metadata, **options)
        return file.getvalue()

    def _repr_svg_(self) -> str:
        return self.svg()


@contextmanager
def formatted(form: Format) -> Iterator[None]:
    """Draw what is drawn inside for the screen, a paper or a slide."""
    token = _format.set(form)
    try:
        yield
    finally:
        _format.reset(token)


def letters(count: int) -> int:
    """How many letters of this figure's width correspond to `count` on the screen's full width."""
    form, screen = _format.get(), FORMATS["screen"]
    return round(count * form.width / screen.width * screen.font / form.font)


def style() -> Any:
    """The context in which everything is drawn, whatever the user's own settings."""
    scale = _format.get().font / FORMATS["screen"].font
    sizes = {key: scale * RC[key] for key in RC if key.endswith(("size", "fontsize", "linewidth"))}
    rc: Any = RC | sizes
    return matplotlib.rc_context(rc)


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}." if text else ""


def _shorter(svg: str) -> str:
    """Coordinates to a hundredth of a point, and no metadata block."""
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    return re.sub(r"<[^>]+>", lambda tag: re.sub(r"(\d\.\d\d)\d+", r"\1", tag[0]), svg)
