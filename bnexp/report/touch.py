"""What a pointer and a page's script find in a figure: arms, rows, and what a point stands for.

A figure's SVG says it in `data-arm` and `data-row`, and in a title for every point that stands for
runs, which browsers show as a hint. matplotlib carries only an artist's id through to the SVG, so
the words are put in place of the ids afterwards.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from html import escape
from weakref import WeakKeyDictionary

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.collections import Collection
from matplotlib.colors import to_hex, to_rgba_array
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from bnexp.report.arms import Arm
from bnexp.report.labels import percent, plural

NAMED = 3  # runs of a point; more are counted
TAG = re.compile(r"<(/?)g\b[^>]*>|<use\b[^>]*?/>")
GID = re.compile(r'\bid="(tag-\d+)"')

_hints: WeakKeyDictionary[Artist, list[str]] = WeakKeyDictionary()
_rows: WeakKeyDictionary[Artist, str] = WeakKeyDictionary()


def tell(artist: Artist, hints: Sequence[str]) -> None:
    """Give each point that `artist` draws a hint, in their order."""
    _hints[artist] = list(hints)


def in_row(artist: Artist, name: str) -> None:
    """Say that `artist` belongs to the row called `name`, of which a page may show one alone."""
    _rows[artist] = name


def of_runs(arm: str, rows: pd.DataFrame, what: str = "") -> str:
    """A hint: the arm, what its runs came to, their names and the command that trained them."""
    known = pd.to_numeric(rows["test_accuracy"], errors="coerce").dropna()
    came = what or (f"{percent(known.mean())} in {plural(len(rows), 'run')}" if len(known) else "")
    names = [str(name) for name in rows["run"].head(NAMED)]
    more = f" and {len(rows) - NAMED} more" if len(rows) > NAMED else ""
    commands = rows.get("provenance.command", pd.Series(dtype=object)).dropna()
    lines = [": ".join(filter(None, [arm, came])), ", ".join(names) + more]
    return "\n".join([*lines, *map(str, commands.head(1))])


def tagged(figure: Figure, arms: Iterable[Arm], save: Callable[[], str]) -> str:
    """The SVG that `save()` gives, with the arms, rows and hints of its artists in it."""
    by_color: dict[str, list[Arm]] = {}
    for arm in arms:
        by_color.setdefault(arm.look.color, []).append(arm)
    owners = {color: found[0] for color, found in by_color.items() if len(found) == 1}
    marks = dict(_marks(figure, owners))
    artists = {f"tag-{place}": artist for place, artist in enumerate(marks)}
    for name, artist in artists.items():
        artist.set_gid(name)
    try:
        svg = save()
    finally:
        for artist in artists.values():
            artist.set_gid(None)
    for name, artist in artists.items():
        if artist in _hints:
            svg = _with_titles(svg, f'id="{name}"', _hints[artist])
        elif isinstance(artist, Line2D) and len(artist.get_xdata()) > 1:  # type: ignore[arg-type]
            svg = svg.replace(f'<g id="{name}">', f'<g id="{name}">{_title(artist, owners)}', 1)
    return GID.sub(lambda found: marks[artists[found[1]]], svg)


def _title(line: Line2D, owners: Mapping[str, Arm]) -> str:
    """What a curve is of: its arm, and unless only one row of the arm's runs is in it, which."""
    arm = owners.get(_color(line))
    if arm is None:
        return ""
    runs = arm.runs
    said = arm.label if line in _rows else of_runs(arm.label, runs, plural(len(runs), "run"))
    return f"<title>{escape(said)}</title>"


def _marks(figure: Figure, owners: Mapping[str, Arm]) -> Iterator[tuple[Artist, str]]:
    """Each artist that has something to say, and the attributes that say it."""
    for artist in figure.findobj():
        owner = owners.get(_color(artist))
        said = {
            "data-arm": owner.label if owner is not None and len(owners) > 1 else None,
            "data-row": _rows.get(artist),
        }
        told = " ".join(f'{key}="{escape(text)}"' for key, text in said.items() if text)
        if told or owner is not None or artist in _hints:
            yield artist, told


def _color(artist: Artist) -> str:
    if isinstance(artist, Line2D):
        return to_hex(artist.get_color())
    if isinstance(artist, Patch):
        return to_hex(artist.get_facecolor())
    if isinstance(artist, Collection):
        found = [*to_rgba_array(artist.get_facecolor()), *to_rgba_array(artist.get_edgecolor())]
        return to_hex(found[0]) if found else ""
    return ""


def _with_titles(svg: str, mark: str, hints: Sequence[str]) -> str:
    """Titles for the points of one group; none at all where some of its points are not drawn."""
    start = svg.find(f"<g {mark}")
    if start < 0:
        return svg
    depth, points, end = 0, [], start
    for tag in TAG.finditer(svg, start):
        if tag[0].startswith("<use"):
            points.append(tag)
            continue
        depth += -1 if tag[1] else 1
        if not depth:
            end = tag.end()
            break
    if len(points) != len(hints):
        return svg
    parts, last = [], start
    for tag, hint in zip(points, hints, strict=True):
        parts += [
            svg[last : tag.start()],
            f"{tag[0][:-2].rstrip()}><title>{escape(hint)}</title></use>",
        ]
        last = tag.end()
    return "".join([svg[:start], *parts, svg[last:end], svg[end:]])
