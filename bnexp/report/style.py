"""How figures look: one colour, marker and dash for a normaliser, the same everywhere.

A normaliser's are in its entry of `bnexp.norms.catalogue`: Okabe and Ito's colours first, which
the colour-blind tell apart; markers and dashes tell lines apart in grey. matplotlib is not
imported here.
"""

import colorsys
from dataclasses import dataclass, replace
from typing import Any

from bnexp.norms.catalogue import NORMS, Marker, NormInfo

Dash = str | tuple[int, tuple[float, ...]]
DASH_NAMES: dict[str, Dash] = {
    "solid": "-",
    "dashed": (0, (5, 1.5)),
    "dash_dot": (0, (6, 1.5, 1.2, 1.5)),
    "dotted": (0, (1.2, 1.2)),
    "long": (0, (9, 2)),
}
DASHES = tuple(DASH_NAMES.values())
MARKERS = list("os^DvPX<>ph*d")

INK, MUTED, GRID, PAPER = "#1b1f24", "#5b636d", "#d9dde2", "#ffffff"
DARK = {INK: "#e8eaed", MUTED: "#a9b1ba", GRID: "#3a4047", PAPER: "#15181c"}


@dataclass(frozen=True)
class Format:
    """What a figure is for: its width and height in inches (0: what it needs), its font in
    points, and whether title, context and notes are in it.
    """

    width: float
    font: float
    height: float = 0.0
    words: bool = True


FORMATS = {
    "screen": Format(9.0, 9.0),
    "paper": Format(6.5, 8.0, words=False),
    "slide": Format(13.333, 15.0, 7.5),
}


def figure_format(style: str, width: float | None = None) -> Format:
    """The format called `style`, at another width in inches; a slide keeps 16 by 9."""
    form = FORMATS[style]
    return replace(form, width=width) if width and not form.height else form


DIVERGED, UNTRAINED = "x", "1"  # marks of runs that are drawn but not averaged

RC: dict[str, Any] = {
    "font.family": ["DejaVu Sans", "sans-serif"],  # the generic one for readers of the SVG
    "font.size": 9.0,
    "text.color": INK,
    "axes.titlesize": 9.0,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "lines.linewidth": 1.6,
    "lines.markersize": 5.0,
    "legend.frameon": False,
    "legend.fontsize": 9.0,
    "figure.facecolor": PAPER,
    "savefig.facecolor": PAPER,
    "svg.fonttype": "none",  # text stays text: small, searchable, in the page's own font
    "svg.hashsalt": "bnexp",
    "pdf.fonttype": 42,  # TrueType: publishers refuse Type 3
    "text.parse_math": False,  # what users name is text, dollars included
    "path.simplify": True,
    "figure.dpi": 100,
}


@dataclass(frozen=True)
class Look:
    """Colour, marker and dash of an arm."""

    color: str
    marker: Marker
    dash: Dash

    @property
    def line(self) -> dict[str, Any]:
        """Keywords of a line."""
        return {"color": self.color, "linestyle": self.dash}

    @property
    def mark(self) -> dict[str, Any]:
        """Keywords of a line with marks."""
        return self.line | {"marker": self.marker, "markeredgecolor": PAPER, "markeredgewidth": 0.5}


def look(norm: str, place: int = 0, of: int = 1) -> Look:
    """The look of the arm number `place` among the `of` arms that have this norm.

    The arms of a norm share its hue, from its own colour to a lighter one, and differ in marker
    and dash.
    """
    info = NORMS.get(norm, NormInfo(norm))  # keep, and classes of one's own
    if of == 1:
        return Look(info.color, info.marker, DASH_NAMES[info.dash])
    shift = MARKERS.index(info.marker) if info.marker in MARKERS else 0
    return Look(
        _lighter(info.color, 0.5 * place / (of - 1)),
        MARKERS[(shift + place) % len(MARKERS)],
        DASHES[place % len(DASHES)],
    )


def norm_order(norm: str) -> tuple[int, str]:
    """Where a normaliser comes in legends and tables: as in the catalogue, others after."""
    return (list(NORMS).index(norm) if norm in NORMS else len(NORMS)), norm


def dark(color: str) -> str:
    """The colour to use instead on a dark page."""
    if color in DARK:
        return DARK[color]
    hue, lightness, saturation = colorsys.rgb_to_hls(*_rgb(color))
    if saturation < 0.05:  # black and greys turn over
        return _hex(colorsys.hls_to_rgb(hue, 0.93 - 0.6 * lightness, saturation))
    return _hex(colorsys.hls_to_rgb(hue, max(lightness, 0.35) * 0.6 + 0.32, saturation * 0.9))


def layer_colors(count: int) -> list[str]:
    """Colours of layers from the input (dark) to the output (light): viridis, less its yellow."""
    stops = ("#440154", "#3b528b", "#21918c", "#5ec962")
    colors = []
    for place in range(count):
        at = place / max(count - 1, 1) * (len(stops) - 1)
        left = min(int(at), len(stops) - 2)
        pairs = zip(_rgb(stops[left]), _rgb(stops[left + 1]), strict=True)
        colors.append(_hex(tuple(a + (b - a) * (at - left) for a, b in pairs)))
    return colors


def _lighter(color: str, share: float) -> str:
    return _hex(tuple(part + (1 - part) * share for part in _rgb(color)))


def _rgb(color: str) -> tuple[float, float, float]:
    red, green, blue = (int(color[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def _hex(rgb: tuple[float, ...]) -> str:
    return "#" + "".join(f"{round(255 * part):02x}" for part in rgb)
