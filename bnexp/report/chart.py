"""A figure that says what it shows: its finding, table and method; it shows itself in notebooks.

Figures are made without pyplot, so no display is needed and nothing is left open.
"""

import io
import re
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import matplotlib
import matplotlib.style
import pandas as pd
from matplotlib.figure import Figure

from bnexp.report.arms import Arms
from bnexp.report.style import MUTED, RC

WIDTH = 9.0  # inches, of every figure
STYLE = {**matplotlib.rcParamsDefault, **RC}


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

    def finish(self, finding: str, method: str, table: pd.DataFrame, footer: str = "") -> "Chart":
        """Set title, method and table, and write below the axes how to read the figure."""
        self.finding, self.table = finding, table
        self.method = " ".join([method, *self.arms.notes])
        self.retitle(finding)
        words = " ".join(filter(None, [footer, *self.arms.notes]))
        if words:
            text = textwrap.fill(words, 128)
            self.supxlabel(text, x=0.01, ha="left", fontsize=8, color=MUTED, linespacing=1.4)
        return self

    def retitle(self, title: str) -> None:
        """Put another title above the figure."""
        text = textwrap.fill(title, 96)
        self.suptitle(text, x=0.01, ha="left", fontsize=11, fontweight="bold").set_gid("title")

    def svg(self) -> str:
        """The figure as an SVG document."""
        return _shorter(self._saved("svg", {"Date": None, "Creator": None}).decode())

    def png(self, dpi: int = 160) -> bytes:
        """The figure as a PNG file."""
        return self._saved("png", {"Software": None}, dpi=dpi)

    def save(self, path: Path) -> None:
        """Write the figure in the format that the file's ending names: svg, png or pdf."""
        if path.suffix == ".svg":
            path.write_text(self.svg())
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


def style() -> Any:
    """The context in which everything is drawn, whatever the user's own settings."""
    return matplotlib.rc_context(RC)


def _shorter(svg: str) -> str:
    """Coordinates to a hundredth of a point, and no metadata block."""
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    return re.sub(r"(\d\.\d\d)\d+", r"\1", svg)
