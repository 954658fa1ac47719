"""The ledger as one HTML page with a figure for every row."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from bnexp.comparisons import figures
from bnexp.comparisons.entry import Entry
from bnexp.comparisons.finding import Finding
from bnexp.comparisons.ledger import provenance, rows
from bnexp.comparisons.setting import Setting
from bnexp.comparisons.words import HOW_COUNTED, chosen_in_words, headline, seeds_in_words
from bnexp.errors import UserError
from bnexp.report.arms import group
from bnexp.report.catalogue import draw
from bnexp.report.chart import Chart
from bnexp.report.export import write_table
from bnexp.report.page import Block, Page, Section
from bnexp.report.reading import usable
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
    for letter in letters:
        part = [entry for entry in entries if entry.comparison.letter == letter]
        blocks: list[Block] = []
        notes: list[str] = []
        for entry in part:
            charts = list(_charts(entry, notes))
            if not charts:
                notes.append(f"{entry.comparison.id}: {entry.problem or 'nothing to draw'}")
            blocks += [_block(entry, chart, stem, setting, out) for stem, chart in charts]
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


def _charts(entry: Entry, notes: list[str]) -> Iterator[tuple[str, Chart]]:
    """The figures of a row, each with the name of its files."""
    name = entry.comparison.id
    if (chart := figures.assertions(entry)) is not None:
        yield f"{name}-verdicts", _introduced(entry, chart)
    if (chart := figures.printed_numbers(entry)) is not None:
        yield f"{name}-printed", _introduced(entry, chart)
    if isinstance(entry.found, Finding) and entry.found.draw is not None:
        yield name, entry.found.draw()
    if entry.runs is None or not entry.comparison.figures:
        return
    runs = usable(entry.runs)
    runs = replace(runs, runs=runs.runs[runs.runs["outcome"] != "measured"])
    for number, wanted in enumerate(entry.comparison.figures, 1):
        options: dict[str, Any] = {}
        if wanted["name"] == "convergence" and entry.choices.of_kind("target"):
            options["target"] = entry.choices.of_kind("target")[0].value
        options |= wanted
        kind, where, by = options.pop("name"), options.pop("where", []), options.pop("by", None)
        try:
            chart = draw(kind, group(runs, where=where, by=by), **options)
        except UserError as error:
            notes.append(f"{name}: {error}")
            continue
        yield f"{name}-{kind}-{number}", chart


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


def _block(entry: Entry, chart: Chart, stem: str, setting: Setting, out: Path) -> Block:
    folder = out / "figures"
    folder.mkdir(parents=True, exist_ok=True)
    svg = chart.svg()
    write_text(folder / f"{stem}.svg", svg)
    files = [
        path.relative_to(out).as_posix() for path in write_table(chart.table, out / "tables" / stem)
    ]
    chart.finding = f"{entry.comparison.id}. {chart.finding}"
    command = f"bnexp reproduce {entry.comparison.id} data={setting.data} preset={setting.preset}"
    return Block(chart, svg, command, files)


def _facts(entries: Sequence[Entry]) -> pd.DataFrame:
    columns = ["id", "says", "verdict", "documented", "measured", "why"]
    found = [{**row, "says": row.get("says", row["title"])} for row in rows(entries)]
    return pd.DataFrame(found).reindex(columns=columns)


def _provenance(entries: Sequence[Entry]) -> pd.DataFrame:
    found = provenance(entries)
    return pd.DataFrame({"what": list(found), "value": list(found.values())})
