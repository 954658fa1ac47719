"""The ledger as tables: on the terminal, CSV, JSON and Markdown."""

import json
import math
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from bnexp.comparisons.entry import Entry
from bnexp.comparisons.finding import Finding
from bnexp.comparisons.setting import Setting
from bnexp.comparisons.verdict import Verdict
from bnexp.comparisons.words import (
    HOW_COUNTED,
    LUCK,
    chosen_in_words,
    counted,
    each,
    headline,
    measured,
    parted,
    reckoned,
    right_value,
    rule,
    seeds_in_words,
    speaks_for,
)
from bnexp.comparisons.working import Working
from bnexp.runs.files import write_text
from bnexp.runs.show import without_formulas

STYLES = {
    "yes": "green", "here too": "green", "exact": "green", "rounded": "green", "no": "red",
    "not here": "red", "erratum": "red", "no difference": "yellow", "likely yes": "yellow",
    "likely no": "yellow", "open": "yellow", "not measured": "dim",
}  # fmt: skip


def rows(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """One row for every assertion and every printed number; one for a row without either."""
    found: list[dict[str, Any]] = []
    for entry in entries:
        one = entry.comparison
        head = {"id": one.id, "section": one.section, "title": one.title, "edition": entry.edition}
        before = len(found)
        found += [
            head
            | {
                "says": step.label,
                "documented": step.printed,
                "value": step.value,
                "measured": right_value(step),
                "verdict": word,
                "why": step.explains or step.excuse,
            }
            for step, word in entry.printed
        ]
        found += [head | _row(verdict) for verdict in entry.verdicts]
        if len(found) == before:
            found.append(head | {"verdict": entry.all_words[0], "why": entry.problem})
    return found


def _row(verdict: Verdict) -> dict[str, Any]:
    """What is told of one assertion."""
    quantity, lines, assertion = verdict.quantity, verdict.lines, verdict.assertion
    low, high = verdict.interval or (math.nan, math.nan)
    return {
        "says": assertion.says,
        "documented": rule(assertion),
        "value": quantity.centre if quantity is not None else math.nan,
        "mean": quantity.mean if quantity is not None else math.nan,
        "low": low,
        "high": high,
        "unit": quantity.unit if quantity is not None else "",
        "n": verdict.n,
        "for": lines.yes.k if lines is not None else 0,
        "against": lines.no.k if lines is not None else 0,
        "e": round(lines.stronger.e, 3) if lines is not None else math.nan,
        "measured": measured(verdict),
        "verdict": verdict.word,
        "counts": verdict.counts,
        "why": verdict.reason,
        "source": assertion.source,
    }


def table(entries: Sequence[Entry]) -> pd.DataFrame:
    """The rows as a tidy table, with the literature's words."""
    columns = [
        "id", "section", "title", "says", "documented", "measured", "value", "mean", "low", "high",
        "unit", "n", "for", "against", "e", "verdict", "counts", "why", "source", "edition",
        "literature",
    ]  # fmt: skip
    literature = {entry.comparison.id: entry.comparison.literature for entry in entries}
    frame = pd.DataFrame(rows(entries)).reindex(columns=columns)
    return frame.assign(literature=frame["id"].map(literature))


def write(entries: Sequence[Entry], setting: Setting, out: Path) -> None:
    """Write `ledger.csv`, `ledger.json` and `ledger.md` into the folder `out`."""
    out.mkdir(parents=True, exist_ok=True)
    csv = without_formulas(table(entries)).to_csv(index=False, lineterminator="\n")
    write_text(out / "ledger.csv", csv)
    text = json.dumps(as_json(entries, setting), indent=1, allow_nan=False)
    write_text(out / "ledger.json", text + "\n")
    write_text(out / "ledger.md", markdown(entries, setting))


def as_json(entries: Sequence[Entry], setting: Setting) -> dict[str, Any]:
    """Everything that the ledger knows, as plain data."""
    return {
        "data": setting.data,
        "preset": setting.preset,
        "setup": {"words": setting.budget, "seeds": seeds_in_words(entries)},
        "design": setting.design,
        "headline": headline(entries),
        "provenance": agreed_provenance(entries),
        "rows": [_entry_json(entry, setting) for entry in entries],
    }


def _entry_json(entry: Entry, setting: Setting) -> dict[str, Any]:
    one = entry.comparison
    return {
        "id": one.id,
        "title": one.title,
        "section": one.section,
        "kind": one.kind,
        "question": one.question,
        "documented": one.documented,
        "literature": one.literature,
        "held": one.held,
        "edition": entry.edition,
        "seeds": list(entry.seeds),
        "chosen": chosen_in_words(entry.choices),
        "overrides": setting.shown,
        "summary": entry.found.summary if entry.found is not None else None,
        "notes": list(entry.found.notes) if entry.found is not None else [],
        "problem": entry.problem or None,
        "models": _models(entry),
        "runs": 0 if entry.runs is None else len(entry.runs.runs),
        "verdicts": [_plain(row) for row in rows([entry])],
        "table": _records(entry),
    }


def _models(entry: Entry) -> list[str]:
    """The presets of the models that were trained."""
    if entry.runs is None:
        return []
    presets = entry.runs.runs["preset"].dropna().unique()
    return sorted(preset for preset in presets if not preset.startswith("check_"))


def _records(entry: Entry) -> list[dict[str, Any]]:
    if isinstance(entry.found, Finding):
        return [_plain(row) for row in entry.found.table.to_dict("records")]
    if isinstance(entry.found, Working):
        return [
            _plain(vars(step) | {"verdict": word, "excuse": step.excuse})
            for step, word in zip(entry.found.steps, entry.words, strict=True)
        ]
    return []


def _plain(row: dict[Any, Any]) -> dict[str, Any]:
    return {str(key): _number(value) for key, value in row.items()}


def _number(value: Any) -> Any:
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else ("never" if value > 0 else "-never")
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def agreed_provenance(entries: Sequence[Entry]) -> dict[str, str]:
    """Versions, device and commit of the runs, as far as they all agree."""
    found: dict[str, set[str]] = {}
    for entry in entries:
        if entry.runs is None:
            continue
        frame = entry.runs.runs
        for key in ("bnexp", "torch", "python", "device_name", "git_commit"):
            column = frame.get(f"provenance.{key}")
            if column is not None:
                found.setdefault(key, set()).update(map(str, column.dropna()))
        for key in ("device", "precision"):
            if key in frame:
                found.setdefault(key, set()).update(map(str, frame[key].dropna()))
    return {key: ", ".join(sorted(values)) for key, values in found.items() if values}


def markdown(entries: Sequence[Entry], setting: Setting) -> str:
    """The ledger as a Markdown page."""
    lines = [
        f"# The ledger on {setting.data}, preset {setting.preset}",
        "",
        f"{headline(entries)} {setting.budget.capitalize()}; {seeds_in_words(entries)}.",
        f"{HOW_COUNTED} {LUCK}",
        "",
        "| id | the source says | documented | measured | verdict | |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows(entries):
        shown = [row.get(key) for key in ("id", "says", "documented", "measured", "verdict", "why")]
        if row.get("says") is None:
            shown[1] = row["title"]
        lines.append("| " + " | ".join(_cell(value) for value in shown) + " |")
    for entry in entries:
        one = entry.comparison
        lines += ["", f"## {one.id}. {one.title}", "", one.question, ""]
        lines.append(f"- Documented (section {one.section}): {one.documented}")
        if entry.found is not None:
            lines.append(f"- Found: {entry.found.summary}")
            lines += [f"- {note}" for note in entry.found.notes]
        else:
            lines.append(f"- {entry.problem or 'From published readings.'}")
        chosen = chosen_in_words(entry.choices)
        for name, text in (
            ("Held fixed", one.held), ("Chosen by pilots", chosen), ("Literature", one.literature)
        ):  # fmt: skip
            if text:
                lines.append(f"- {name}: {text}")
    return "\n".join(lines) + "\n"


def _cell(value: Any) -> str:
    text = "" if value is None or value != value else str(value)
    return " ".join(text.split()).replace("|", "\\|")


def show(entries: Sequence[Entry], verbose: bool) -> None:
    """Print the ledger; `verbose` adds every step of a calculation and every note."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 160
    for entry in entries:
        one = entry.comparison
        console.print(f"\n[bold]{one.id}[/bold]  {_safe(one.title)}  [dim]{one.section}[/dim]")
        console.print(f"    documented: {_safe(one.documented)}", style="dim")
        if entry.problem:
            console.print(f"    not measured: {_safe(entry.problem)}", style="dim")
        if entry.found is not None:
            console.print(f"    {_safe(entry.found.summary)}")
        if isinstance(entry.found, Working):
            (_walk_through if verbose else _errata)(console, entry)
        if entry.verdicts:
            console.print(_verdict_table(entry))
        if verbose and entry.verdicts:
            _readings(console, entry)
        if one.literature:
            console.print(f"    literature: {_safe(one.literature)}", style="dim")
        if verbose and entry.found is not None:
            chosen = chosen_in_words(entry.choices)
            for note in (
                *entry.found.notes,
                *([f"held fixed: {one.held}"] if one.held else []),
                *([f"chosen by pilots: {chosen}"] if chosen else []),
            ):
                console.print(f"    {_safe(note)}")
            if isinstance(entry.found, Finding) and len(entry.found.table):
                console.print(entry.found.table.to_string(index=False), markup=False)
    console.print(f"\n{headline(entries)}")
    if any(verdict.word.startswith("likely") for entry in entries for verdict in entry.verdicts):
        console.print(LUCK, style="dim")


def _verdict_table(entry: Entry) -> Table:
    grid = Table(box=SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    for name in ("   the source says", "documented", "verdict", "measured", ""):
        grid.add_column(name, overflow="fold")
    for verdict in entry.verdicts:
        style = STYLES[verdict.word]
        grid.add_row(
            "   " + _safe(verdict.assertion.says), rule(verdict.assertion),
            f"[bold {style}]{verdict.word}[/]", _safe(measured(verdict)),
            _safe("; ".join(filter(None, (verdict.reason, parted(verdict))))),
        )  # fmt: skip
    return grid


def _readings(console: Console, entry: Entry) -> None:
    """Every seed's reading of every quantity, and how it was counted."""
    for name, verdicts in groupby(entry.verdicts, key=lambda verdict: verdict.assertion.quantity):
        told = list(verdicts)
        quantity = told[0].quantity
        if quantity is None or quantity.kind == "fact":
            continue
        console.print(f"    [bold]{name}[/bold] by seed", highlight=False)
        grid = Table(box=None, padding=(0, 2), pad_edge=False)
        for title in ("    seed", "reading", *(rule(verdict.assertion) for verdict in told)):
            grid.add_column(title)
        for seed in entry.seeds:
            reading = quantity.readings.get(seed)
            text = "says nothing" if reading is None else each(reading, quantity)
            speaks = [speaks_for(verdict.assertion, reading) for verdict in told]
            grid.add_row(f"    {seed}", _safe(text), *speaks)
        console.print(grid)
        for verdict in told:
            if verdict.lines is not None:
                console.print(f"      {_safe(reckoned(verdict))}", style="dim")


def _errata(console: Console, entry: Entry) -> None:
    if entry.printed:
        console.print(f"    printed numbers: {counted(word for _, word in entry.printed)}")
    for step, word in entry.printed:
        if word == "erratum":
            explains = f"; {step.explains}" if step.explains else ""
            console.print(
                f"    [red]erratum[/red]  {_safe(step.label)}: printed {step.printed}, "
                f"right is {right_value(step)}{_safe(explains)}"
            )


def _walk_through(console: Console, entry: Entry) -> None:
    assert isinstance(entry.found, Working)
    for place, (step, word) in enumerate(zip(entry.found.steps, entry.words, strict=True), 1):
        style = STYLES[word]
        console.print(f"  {place:>3}. {_safe(step.label)}")
        if step.formula:
            console.print(f"       {_safe(step.formula)}", style="dim")
        if step.working:
            console.print(f"       = {_safe(step.working)}")
        ending = f"       = {step.value:.6g}"
        if step.printed is not None:
            ending += f"   printed {step.printed}: [{style}]{word}[/{style}]"
        console.print(ending + (f"; {_safe(step.explains)}" if step.explains else ""))


def _safe(text: str) -> str:
    return text.replace("[", "\\[")
