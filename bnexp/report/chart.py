"""A figure that says what it shows: its finding, table and method; it shows itself in notebooks.

Figures are made without pyplot, so no display is needed and nothing is left open.
"""

import io
import re
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from bnexp.report.arms import Arms
from bnexp.report.style import MUTED, RC

WIDTH = 9.0  # inches, of every figure


class Chart(Figure):
    """A matplotlib figure with its finding in words.

    `finding` is one sentence computed from the data, the figure's title; `table` holds the
    numbers drawn; `method` says how they came about; `name` is the figure's name in
    `bnexp plot`. `svg()` and `png()` give the same bytes for the same runs.
    """

    def __init__(self, name: str, arms: Arms, height: float) -> None:
        with style():
            super().__init__(figsize=(WIDTH, height), layout="constrained")
        self.name = name
        self.arms = arms
        self.finding = ""
        self.method = ""
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

        The figure grows by what these need, so that its axes keep their height.
        """
        self.finding, self.table = finding, table
        self.method = " ".join([method, *self.arms.notes])
        below = textwrap.wrap(" ".join(filter(None, [footer, *self.arms.notes])), 142)
        columns = _columns([str(handle.get_label()) for handle in handles])
        rows = -(-len(handles) // columns)
        legend, notes = 0.2 * rows + 0.1, 0.15 * len(below) + 0.05
        title = textwrap.wrap(finding, 96)
        self.title_height = 0.19 * len(title) + 0.12
        height = self.get_figheight() + legend + notes + self.title_height
        self.set_figheight(height)
        top = 1 - self.title_height / height
        self.text(
            0.008, 1 - 0.06 / height, "\n".join(title), ha="left", va="top", fontsize=11,
            fontweight="bold", linespacing=1.25, gid="title",
        )  # fmt: skip
        self.text(
            0.008, 0.05 / height, "\n".join(below), ha="left", va="bottom", fontsize=8,
            color=MUTED, linespacing=1.3,
        )  # fmt: skip
        if handles:
            self.legend(
                handles=list(handles), loc="upper left", bbox_to_anchor=(0, top), ncols=columns,
                handlelength=2.6, borderaxespad=0.2, borderpad=0.2, columnspacing=1.5,
            )  # fmt: skip
        engine = self.get_layout_engine()
        assert isinstance(engine, ConstrainedLayoutEngine)
        engine.set(rect=(0, notes / height, 1, top - (legend + notes) / height))
        return self

    def retitle(self, title: str) -> "Chart":
        """Put another title in place of the finding."""
        if title:
            self.texts[0].set_text("\n".join(textwrap.wrap(title, 96)))
            self.finding = title
        return self

    def svg(self) -> str:
        """The figure as an SVG document."""
        return _shorter(self._saved("svg", {"Date": None, "Creator": None}).decode())

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
        with style():
            self.savefig(file, format=kind, metadata=metadata, **options)
        return file.getvalue()

    def _repr_svg_(self) -> str:
        return self.svg()


def _columns(labels: list[str]) -> int:
    """As many legend columns as fit into the width."""
    for columns in range(len(labels), 1, -1):
        parts = np.array_split(np.array(list(map(len, labels))), columns)
        if sum(part.max() + 9 for part in parts) <= 138:
            return columns
    return 1


def style() -> Any:
    """The context in which everything is drawn, whatever the user's own settings."""
    rc: Any = RC
    return matplotlib.rc_context(rc)


def _shorter(svg: str) -> str:
    """Coordinates to a hundredth of a point, and no metadata block."""
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    return re.sub(r"<[^>]+>", lambda tag: re.sub(r"(\d\.\d\d)\d+", r"\1", tag[0]), svg)
