"""The ledger as one HTML page with a figure for every row."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from bnexp.comparisons import figures
from bnexp.comparisons.choices import Choices
from bnexp.comparisons.entry import Entry
from bnexp.comparisons.finding import Finding
from bnexp.comparisons.ledger import agreed_provenance, rows
from bnexp.comparisons.setting import Setting
from bnexp.comparisons.words import HOW_COUNTED, chosen_in_words, headline, seeds_in_words
from bnexp.errors import UserError
from bnexp.report.arms import Arms, group
from bnexp.report.catalogue import draw
from bnexp.report.chart import Chart
from bnexp.report.drawn import Drawn, draw_each
from bnexp.report.export import write_table
from bnexp.report.page import Block, Page, Section
from bnexp.report.reading import usable
from bnexp.report.statistics import Best
from bnexp.runs.files import write_text

PARTS = {
    "I": "The instrument's own checks",
    "A": "Arithmetic",
    "B": "Training comparisons",
}


def write_page(entries: Sequence[Entry], setting: Setting, out: Path) -> Path:
    """Write figures, their tables and `index.html` into the folder `out`; return the page."""
    sections = []
    letters = sorted({entry.comparison.letter for entry in entries}, key="BAI".find)
    asked = [(entry, figure) for entry in entries for figure in _figures(entry)]
    drawn = list(draw_each([figure.draw for _, figure in asked], png=False))
    for letter in letters:
        part = [entry for entry in entries if entry.comparison.letter == letter]
        blocks: list[Block] = []
        notes: list[str] = []
        for entry in part:
            mine = [
                (figure.stem, chart)
                for (whose, figure), chart in zip(asked, drawn, strict=True)
                if whose is entry
            ]
            name = entry.comparison.id
            notes += [f"{name}: {chart}" for _, chart in mine if isinstance(chart, UserError)]
            if not mine:
                notes.append(f"{name}: {entry.problem or 'nothing to draw'}")
            blocks += [
                _block(entry, chart, stem, setting, out)
                for stem, chart in mine
                if isinstance(chart, Drawn)
            ]
        sections.append(Section(PARTS.get(letter, "Your comparisons"), blocks, notes))
    page = Page(
        f"How much of it is true: the ledger on {setting.data}",
        f"{headline(entries)} Preset {setting.preset}, {seeds_in_words(entries)}. {HOW_COUNTED}",
        _facts(entries),
        sections,
        {"Provenance": ("Read from the records of the runs.", _provenance(entries))},
        facts_title="The ledger",
        facts_first=True,
    )
    path = out / "index.html"
    write_text(path, page.html())
    return path


class _Figure(NamedTuple):
    """A figure of a row: the name of its files, and how it is drawn."""

    stem: str
    draw: Callable[[], Chart]


def _figures(entry: Entry) -> Iterator[_Figure]:
    """The figures that a row has; some turn out to have nothing to show, with a UserError."""
    name = entry.comparison.id
    if figures.judged(entry):
        yield _Figure(f"{name}-verdicts", lambda: _introduced(entry, figures.assertions(entry)))
    if figures.recomputed(entry):
        yield _Figure(f"{name}-printed", lambda: _introduced(entry, figures.printed_numbers(entry)))
    if isinstance(entry.found, Finding) and entry.found.draw is not None:
        yield _Figure(name, entry.found.draw)
    if entry.runs is None or not entry.comparison.figures:
        return
    runs = usable(entry.runs)
    runs = replace(runs, runs=runs.runs[runs.runs["outcome"] != "measured"])
    for number, wanted in enumerate(entry.comparison.figures, 1):
        options: dict[str, Any] = {}
        if wanted["name"] == "convergence" and entry.choices.of_kind("target"):
            options["target"] = entry.choices.of_kind("target")[0].value
        if wanted["name"] == "learning_rate" and entry.choices.of_kind("choice", "best"):
            options["chosen"] = partial(_chosen_rate, entry.choices)
        options |= wanted
        kind, where, by = options.pop("name"), options.pop("where", []), options.pop("by", None)
        arms = partial(group, runs, where=where, by=by)
        yield _Figure(f"{name}-{kind}-{number}", partial(_of_runs, kind, arms, options))


def _chosen_rate(choices: Choices, run: Mapping[Any, Any]) -> Best | None:
    """The learning rate that pilots found best for the arm of a run."""
    for one in choices.of_kind("choice", "best"):
        if one.is_for(run):
            return Best(float(one.value), one.score, (float(one.value),), "")
    return None


def _of_runs(kind: str, arms: Callable[[], Arms], options: dict[str, Any]) -> Chart:
    """A figure of the catalogue; arms are put together where it is drawn."""
    return draw(kind, arms(), **options)


def _introduced(entry: Entry, chart: Chart) -> Chart:
    """The row's first figure carries what is documented, held fixed and known."""
    one, chosen = entry.comparison, chosen_in_words(entry.choices)
    parts = [
        one.question,
        f"Documented (section {one.section}): {one.documented.rstrip('.')}.",
        f"Held fixed: {one.held}" if one.held else "",
        f"Chosen by pilots: {chosen}." if chosen else "",
        f"Literature: {one.literature}" if one.literature else "",
        *(entry.found.notes if entry.found is not None else ()),
        chart.method,
    ]
    chart.method = " ".join(filter(None, parts))
    return chart


def _block(entry: Entry, chart: Drawn, stem: str, setting: Setting, out: Path) -> Block:
    folder = out / "figures"
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / f"{stem}.svg", chart.svg)
    files = [
        path.relative_to(out).as_posix() for path in write_table(chart.table, out / "tables" / stem)
    ]
    titled = replace(chart, finding=f"{entry.comparison.id}. {chart.finding}")
    command = f"bnexp reproduce {entry.comparison.id} data={setting.data} preset={setting.preset}"
    return Block(titled, chart.svg, command, files)


def _facts(entries: Sequence[Entry]) -> pd.DataFrame:
    columns = ["id", "says", "verdict", "documented", "measured", "why"]
    found = [{**row, "says": row.get("says", row["title"])} for row in rows(entries)]
    return pd.DataFrame(found).reindex(columns=columns)


def _provenance(entries: Sequence[Entry]) -> pd.DataFrame:
    found = agreed_provenance(entries)
    return pd.DataFrame({"what": list(found), "value": list(found.values())})
