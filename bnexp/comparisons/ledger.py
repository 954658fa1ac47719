"""The ledger as tables: on the terminal, CSV, JSON and Markdown."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from bnexp.comparisons.finding import Finding
from bnexp.comparisons.run import Entry, family_size
from bnexp.comparisons.setting import Setting
from bnexp.comparisons.words import counted, headline, measured, probability, right, rule, why
from bnexp.comparisons.working import Working
from bnexp.runs.files import write_text

STYLES = {
    "supported": "green", "exact": "green", "rounded": "green", "contradicted": "red",
    "erratum": "red", "inconclusive": "yellow", "not measured": "dim",
}  # fmt: skip


def rows(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """One row for every assertion and every printed number; one for a row without either."""
    found: list[dict[str, Any]] = []
    for entry in entries:
        one = entry.comparison
        head = {"id": one.id, "section": one.section, "title": one.title}
        before = len(found)
        found += [
            head
            | {
                "says": step.label,
                "documented": step.printed,
                "value": step.value,
                "measured": right(step),
                "verdict": word,
                "why": step.explains,
            }
            for step, word in entry.printed
        ]
        for verdict in entry.verdicts:
            quantity = verdict.quantity
            low, high = quantity.interval if quantity is not None else (math.nan, math.nan)
            found.append(
                head
                | {
                    "says": verdict.assertion.says,
                    "documented": rule(verdict.assertion),
                    "value": quantity.centre if quantity is not None else math.nan,
                    "low": low,
                    "high": high,
                    "unit": quantity.unit if quantity is not None else "",
                    "n": quantity.n if quantity is not None else 0,
                    "bound": quantity.bound if quantity is not None else "",
                    "measured": measured(quantity),
                    "p": verdict.p,
                    "p_holm": verdict.p_holm,
                    "verdict": verdict.word,
                    "why": why(verdict),
                }
            )
        if len(found) == before:
            found.append(head | {"verdict": entry.all_words[0], "why": entry.problem})
    return found


def table(entries: Sequence[Entry]) -> pd.DataFrame:
    """The rows as a tidy table, with the literature's words."""
    columns = [
        "id", "section", "title", "says", "documented", "measured", "value", "low", "high", "unit",
        "n", "bound", "p", "p_holm", "verdict", "why", "literature",
    ]  # fmt: skip
    literature = {entry.comparison.id: entry.comparison.literature for entry in entries}
    frame = pd.DataFrame(rows(entries)).reindex(columns=columns)
    return frame.assign(literature=frame["id"].map(literature))


def write(entries: Sequence[Entry], setting: Setting, out: Path) -> None:
    """Write `ledger.csv`, `ledger.json` and `ledger.md` into the folder `out`."""
    out.mkdir(parents=True, exist_ok=True)
    write_text(out / "ledger.csv", table(entries).to_csv(index=False, lineterminator="\n"))
    text = json.dumps(as_json(entries, setting), indent=1, allow_nan=False)
    write_text(out / "ledger.json", text + "\n")
    write_text(out / "ledger.md", markdown(entries, setting))


def as_json(entries: Sequence[Entry], setting: Setting) -> dict[str, Any]:
    """Everything that the ledger knows, as plain data."""
    return {
        "data": setting.data,
        "preset": setting.preset,
        "setup": {"words": setting.budget, "seeds": setting.seeds_of_most},
        "holm_family": family_size(),
        "headline": headline(entries),
        "provenance": provenance(entries),
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
        "fixed": one.fixed,
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
            _plain(vars(step) | {"verdict": word})
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


def provenance(entries: Sequence[Entry]) -> dict[str, str]:
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
        f"{headline(entries)} {setting.budget.capitalize()}, {setting.seeds_of_most} seeds.",
        f"Holm's correction is over {family_size()} tested assertions. "
        "Intervals are at 95%; n counts seeds.",
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
            lines.append(f"- Not measured: {entry.problem}")
        for name, text in (("Held fixed", one.fixed), ("Literature", one.literature)):
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
        if entry.found is None:
            console.print(f"    not measured: {_safe(entry.problem)}", style="dim")
            continue
        console.print(f"    {_safe(entry.found.summary)}")
        if verbose and isinstance(entry.found, Working):
            _walk_through(console, entry)
        elif isinstance(entry.found, Working):
            _errata(console, entry)
        if entry.verdicts:
            console.print(_verdict_table(entry))
        if one.literature:
            console.print(f"    literature: {_safe(one.literature)}", style="dim")
        if verbose:
            for note in (*entry.found.notes, *([f"held fixed: {one.fixed}"] if one.fixed else [])):
                console.print(f"    {_safe(note)}")
            if isinstance(entry.found, Finding) and len(entry.found.table):
                console.print(entry.found.table.to_string(index=False), markup=False)
    console.print(f"\n{headline(entries)}")


def _verdict_table(entry: Entry) -> Table:
    grid = Table(box=SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    for name in ("   the source says", "documented", "measured", "verdict", "p (Holm)", ""):
        grid.add_column(name, overflow="fold")
    for verdict in entry.verdicts:
        style = STYLES[verdict.word]
        grid.add_row(
            "   " + _safe(verdict.assertion.says), rule(verdict.assertion),
            _safe(measured(verdict.quantity)), f"[{style}]{verdict.word}[/{style}]",
            probability(verdict.p_holm), _safe(why(verdict)),
        )  # fmt: skip
    return grid


def _errata(console: Console, entry: Entry) -> None:
    if entry.printed:
        console.print(f"    printed numbers: {counted(word for _, word in entry.printed)}")
    for step, word in entry.printed:
        if word == "erratum":
            explains = f"; {step.explains}" if step.explains else ""
            console.print(
                f"    [red]erratum[/red]  {_safe(step.label)}: printed {step.printed}, "
                f"right is {right(step)}{_safe(explains)}"
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
