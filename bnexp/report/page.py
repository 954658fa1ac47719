"""The page: one self-contained HTML file, whole without its script."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

import jinja2
import numpy as np
import pandas as pd
from markupsafe import Markup

from bnexp.report.chart import Chart
from bnexp.report.drawn import Drawn
from bnexp.report.labels import MINUS, canonical, is_unset
from bnexp.report.svg import Styles, inline

DASH = "\N{EN DASH}"
ROWS = 400  # of a table on the page; the CSV files have all


def _script(name: str) -> str:
    return files("bnexp.report").joinpath(name).read_text(encoding="utf-8")


SORTING = _script("sort.js")  # of the tables that are `sortable`


@dataclass(frozen=True)
class Block:
    """One finding on the page: a chart, its SVG, and the command that draws it again."""

    chart: Chart | Drawn
    svg: str
    command: str
    files: Sequence[str] = ()  # of its tables, relative to the page


@dataclass(frozen=True)
class Section:
    """Findings under one heading, with what could not be drawn and why."""

    title: str
    blocks: Sequence[Block]
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Page:
    """What a report says. `tables` are shown after the findings: heading to text and table."""

    title: str
    summary: str
    facts: pd.DataFrame
    sections: Sequence[Section]
    tables: dict[str, tuple[str, pd.DataFrame]] = field(default_factory=dict)
    commands: Sequence[str] = ()
    facts_title: str = "Runs by arm"
    facts_first: bool = False

    def html(self) -> str:
        """The page as HTML; everything from configurations is escaped."""
        environment = jinja2.Environment(
            autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
        )
        environment.filters["cell"] = cell_text
        environment.filters["heading"] = heading
        template = files("bnexp.report").joinpath("page.html.j2").read_text()
        blocks = [block for section in self.sections for block in section.blocks]
        styles = Styles()
        svgs = [
            inline(block.chart, block.svg, f"f{i}", styles) for i, block in enumerate(blocks, 1)
        ]
        return environment.from_string(template).render(
            page=self,
            svgs=list(map(Markup, svgs)),
            rules=Markup("\n".join(styles.rules)),
            colors=styles.colors,
            rows=ROWS,
            script=Markup(SORTING + _script("page.js")),
        )


def heading(column: str) -> str:
    """A column's name in words."""
    return column.replace("_", " ")


def cell_text(value: Any, column: str) -> str:
    """A value of a table as text: four digits, percent for accuracies."""
    if is_unset(value) or value is pd.NaT:
        return DASH
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, int | float | np.number):
        number = float(value)
        if np.isnan(number):
            return DASH
        if np.isinf(number):
            return "never" if number > 0 else f"{MINUS}never"
        if column.startswith("p") and column in ("p", "p_holm"):
            return "< 0.001" if number < 0.001 else f"{number:.3f}"
        if number.is_integer() and abs(number) < 1e9:
            return f"{number:.0f}".replace("-", MINUS)
        return f"{number:.4g}".replace("-", MINUS)
    return value if isinstance(value, str) else canonical(value)
