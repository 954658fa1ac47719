"""A chart's SVG as a part of an HTML page: own ids, alternative text, colours of the page."""

import re
from html import escape

from bnexp.report.chart import Chart
from bnexp.report.style import dark

HEX = re.compile(r"#[0-9a-f]{6}\b")


def inline(chart: Chart, svg: str, prefix: str) -> str:
    """The chart's `svg` as an element of a page, without the title that the page's heading repeats.

    Ids get `prefix`, so that figures do not clash; colours become CSS variables, for dark pages.
    The finding is its accessible name, the method its description.
    """
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<!--.*?-->\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{prefix}-\1"', svg)
    svg = re.sub(r"url\(#", f"url(#{prefix}-", svg)
    svg = re.sub(r'(?:xlink:)?href="#', f'href="#{prefix}-', svg)
    svg = svg.replace("xlink:href=", "href=")
    svg = HEX.sub(lambda found: f"var(--{found[0][1:]})", svg)
    top = 72 * chart.title_height
    width, height = (72 * inches for inches in chart.get_size_inches())
    head = (
        f'<svg viewBox="0 {top:.1f} {width:.1f} {height - top:.1f}" role="img" '
        f'aria-labelledby="{prefix}-alt {prefix}-desc">'
        f'<title id="{prefix}-alt">{escape(chart.finding)}</title>'
        f'<desc id="{prefix}-desc">{escape(chart.method)}</desc>'
    )
    body = svg[svg.index(">") + 1 :]
    return head + re.sub(r"\n\s*", "\n", body)


def colors(svgs: list[str]) -> dict[str, tuple[str, str]]:
    """CSS variables used in `svgs`: name to the colour on a light and on a dark page."""
    names = sorted({name for svg in svgs for name in re.findall(r"var\(--([0-9a-f]{6})\)", svg)})
    return {name: (f"#{name}", dark(f"#{name}")) for name in names}
