"""A chart's SVG in an HTML page: own ids, alternative text, colours of the page, small."""

import re
from html import escape

from bnexp.report.chart import Chart
from bnexp.report.drawn import Drawn
from bnexp.report.style import dark

HEX = re.compile(r"#[0-9a-f]{6}\b")
REFERENCE = re.compile(r'(?:url\(#|href="#)([^")]+)')


class Styles:
    """Style sheets of the figures of a page: each distinct style once, as a class.

    Colours become CSS variables, so that a dark page has its own.
    """

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def name(self, style: str) -> str:
        """The class that stands for an element's style."""
        return self._names.setdefault(style, f"s{len(self._names)}")

    @property
    def rules(self) -> list[str]:
        """One CSS rule a class."""
        return [
            f".{name} {{ {HEX.sub(lambda found: f'var(--{found[0][1:]})', style)} }}"
            for style, name in self._names.items()
        ]

    @property
    def colors(self) -> dict[str, tuple[str, str]]:
        """CSS variables: name to the colour on a light and on a dark page."""
        used = sorted({color for style in self._names for color in HEX.findall(style)})
        return {color[1:]: (color, dark(color)) for color in used}


def inline(chart: Chart | Drawn, svg: str, prefix: str, styles: Styles) -> str:
    """The chart's `svg` as an element of a page, without the title that a heading repeats.

    Ids get `prefix`, so that figures do not clash. The finding is its accessible name, the method
    its description.
    """
    svg = svg[svg.index(">", svg.index("<svg")) + 1 :]
    svg = re.sub(r"<!--.*?-->\s*", "", svg, flags=re.DOTALL)
    svg = svg.replace("xlink:href=", "href=")
    wanted = {"title", *REFERENCE.findall(svg)}
    svg = re.sub(r' id="([^"]+)"', lambda found: found[0] if found[1] in wanted else "", svg)
    svg = re.sub(r' id="', f' id="{prefix}-', svg)
    svg = REFERENCE.sub(lambda found: found[0].replace("#", f"#{prefix}-", 1), svg)
    svg = re.sub(r' style="([^"]+)"', lambda found: f' class="{styles.name(found[1])}"', svg)
    svg = re.sub(r' transform="rotate\(-0 [^"]*"', "", svg)
    svg = re.sub(r"\s*\n\s*", "\n", svg)
    svg = re.sub(r"<g>\n(<use [^>]*/>)\n</g>", r"\1", svg)
    svg = re.sub(r"<g>\n(<(?:path|use|text) [^\n]*>)\n</g>", r"\1", svg)
    top = 72 * chart.title_height
    width, height = (72 * inches for inches in chart.size)
    return (
        f'<svg viewBox="0 {top:.1f} {width:.1f} {height - top:.1f}" role="img" '
        f'aria-labelledby="{prefix}-alt {prefix}-desc">'
        f'<title id="{prefix}-alt">{escape(chart.finding)}</title>'
        f'<desc id="{prefix}-desc">{escape(chart.method)}</desc>{svg}'
    )
