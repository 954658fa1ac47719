"""Runs -> figures, tables and the page."""

import shlex
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd

from bnexp.errors import UserError
from bnexp.report.arms import Arms, group
from bnexp.report.catalogue import ARMS, EVERY, NUMBER, figures
from bnexp.report.drawn import Drawn, Task, draw_all
from bnexp.report.export import expect_folder, write_table, writing
from bnexp.report.labels import canonical, is_unset, listed, plural
from bnexp.report.page import Block, Page, Section
from bnexp.report.reading import read_records
from bnexp.report.shortlist import MOST, is_swept, shortlist
from bnexp.report.sweeps import of_sweep
from bnexp.report.table import HEADS, results_table
from bnexp.runs.files import write_text
from bnexp.runs.record import COLUMNS

DATA = (
    "data.name", "data.shape", "data.image_size", "data.channels", "data.classes", "data.samples",
    "data.content",
)  # fmt: skip
APART = (  # never in one figure, where that leaves something to compare
    "model.kind", "model.name", "optimizer.name", "training.epochs", "training.max_steps",
)  # fmt: skip
SPLIT = ("model.activation", "model.init", "model.placement", "precision")  # where arms are many
COMMANDS = 60


def write_report(
    folders: Sequence[str | Path] = ("runs",),
    out: str | Path = "report",
    *,
    by: Sequence[str] | None = None,
    where: Sequence[str] = (),
    sweep: int | None = 1,
    title: str | None = None,
    parquet: bool = False,
    records: bool = False,
) -> Path:
    """Write figures, tables and `index.html` to the folder `out`; return the page's path.

    `by` and `where` as in `find_arms`. `sweep` counts the sweeps back, 1 being the last; None
    takes all runs. `parquet` writes every table as Parquet too; `records` writes the runs' own
    tables, merged, as well. The same runs give the same bytes. Raises UserError where `out`
    cannot be written.
    """
    out = Path(out)
    expect_folder(out)
    runs, said = of_sweep(read_records(*folders), folders, sweep)
    arms = group(runs, by=by, where=where)
    names = [
        Path(folder).name if Path(folder).is_absolute() else str(folder) for folder in folders
    ]  # no one's home
    shown = [] if sweep == 1 else ["--all"] if sweep is None else ["--sweep", str(sweep)]
    with writing(out):
        parts = _sections(arms)
        tasks = [[Task(*one) for one in _figures(part, shortlist(part))] for _, part in parts]
        drawn = iter(draw_all([task for part in tasks for task in part], out / ".drawn"))
        sections = [
            _section(
                conditions, part, list(islice(drawn, len(part))),
                _command(names, by, [*where, *conditions], shown), out, parquet,
            )
            for (conditions, _), part in zip(parts, tasks, strict=True)
        ]  # fmt: skip
        _write_runs(arms, out, records, parquet)
        page = _page(title or "What the runs show", arms, sections, said)
        path = out / "index.html"
        write_text(path, page.html())
    return path


def _sections(arms: Arms) -> list[tuple[list[str], Arms]]:
    """One part for each dataset, divided by net, optimizer and length of training where it helps.

    A part is divided only if some piece still has arms to compare, and as long as it has too
    many arms.
    """
    parts = _split(arms, [], [key for key in DATA if key in arms.varying])
    for key in (*APART, *SPLIT):
        parts = [
            smaller
            for conditions, part in parts
            for smaller in _split_if_better(part, conditions, key)
        ]
    return parts


def _split_if_better(arms: Arms, conditions: list[str], key: str) -> list[tuple[list[str], Arms]]:
    if key not in arms.keys:
        return [(conditions, arms)]
    parts = _split(arms, conditions, [key])
    apart = key in APART and any(len(part) > 1 for _, part in parts)
    return parts if apart or len(shortlist(arms)) > MOST else [(conditions, arms)]


def _split(arms: Arms, conditions: list[str], keys: list[str]) -> list[tuple[list[str], Arms]]:
    parts = [(conditions, arms)]
    for key in keys:
        parts = [
            ([*conditions, f"{key}={canonical(value).strip(chr(34))}"], part.subset(rows))
            for conditions, part in parts
            for value, rows in _values(part, key)
        ]
    return parts


def _values(arms: Arms, key: str) -> Iterator[tuple[Any, pd.DataFrame]]:
    rows = arms.runs.runs
    names = rows[key].map(canonical)
    for name in sorted(names.unique()):
        part = rows[names == name].reset_index(drop=True)
        yield part[key].iloc[0], part


def _section(
    conditions: list[str],
    tasks: Sequence[Task],
    drawn: Sequence[Drawn | UserError],
    command: str,
    out: Path,
    parquet: bool,
) -> Section:
    blocks, notes = [], []
    prefix = "-".join(_slug(condition) for condition in conditions)
    for task, chart in zip(tasks, drawn, strict=True):
        if isinstance(chart, UserError):
            notes.append(str(chart))
            continue
        stem = "-".join(filter(None, [prefix, task.name, _slug(task.options.get("key", ""))]))
        files = _write_chart(chart, out, stem, parquet)
        extra = "".join(f" --{key} {shlex.quote(str(v))}" for key, v in task.options.items())
        command_line = f"bnexp plot {task.name} {command}{extra} --out {stem}.svg"
        blocks.append(Block(chart, chart.svg, command_line, files))
    heading = ", ".join(condition.partition("=")[2] for condition in conditions)
    return Section(heading or "Findings", blocks, notes)


def _figures(arms: Arms, short: Arms) -> Iterator[tuple[str, Arms, dict[str, Any]]]:
    """Figures that these arms have something for."""
    swept = [key for key in arms.keys if is_swept(arms, key)]
    own = {figure.of for figure in figures().values()}
    for name, figure in figures().items():
        if figure.of == ARMS:
            yield name, short, {}
        elif figure.of in swept:
            yield name, arms, {}
        elif figure.of in (NUMBER, EVERY):
            for key in swept:
                if figure.of == EVERY or key not in own:
                    yield name, arms, {"key": key}


def _write_chart(chart: Drawn, out: Path, stem: str, parquet: bool) -> list[str]:
    """Write figure and tables; return the tables' places below `out`."""
    folder = out / "figures"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{stem}.svg").write_text(chart.svg, encoding="utf-8")
    (folder / f"{stem}.png").write_bytes(chart.png)
    written = write_table(chart.table, out / "tables" / stem, parquet)
    if len(chart.differences):
        written += write_table(chart.differences, out / "tables" / f"{stem}-differences", parquet)
    return [path.relative_to(out).as_posix() for path in written]


def _write_runs(arms: Arms, out: Path, records: bool, parquet: bool) -> None:
    runs = arms.runs.runs.assign(folder=[Path(name).name for name in arms.runs.runs["folder"]])
    write_table(runs, out / "tables" / "runs", parquet)
    if records:
        for name in COLUMNS:
            write_table(getattr(arms.runs, name), out / "tables" / name, parquet)


def _command(
    names: list[str], by: Sequence[str] | None, where: Sequence[str], shown: list[str]
) -> str:
    parts = [*names, *shown]
    if by:
        parts += ["--by", ",".join(by)]
    for condition in where:
        parts += ["--where", condition]
    return shlex.join(parts)


def _slug(text: str) -> str:
    return "".join(c if c.isalnum() or c in "_." else "-" for c in text.rpartition("=")[2])


# ------------------------------------------------------------------------------- the page's frame


def _page(title: str, arms: Arms, sections: list[Section], said: str) -> Page:
    rows, skipped = arms.runs.runs, arms.runs.skipped
    outcome = rows["outcome"]
    counts = [
        f"{len(rows)} finished run{'s' * (len(rows) != 1)} in {plural(len(arms), 'arm')}",
        *(
            f"{(outcome == name).sum()} {words}"
            for name, words in (("diverged", "diverged"), ("not trained", "did not train"))
            if (outcome == name).any()
        ),
        *([f"{plural(len(skipped), 'folder')} left out"] if len(skipped) else []),
    ]
    data = sorted({str(name) for name in rows.get("data.name", [])})
    on = f"; on {listed(data)}" if data else ""
    chosen = f" {said.partition(';')[0].capitalize()}." if said else ""
    results = results_table(arms)
    return Page(
        title,
        f"{', '.join(counts)}{on}.{chosen} {results.caption}",
        results.cells.rename(columns=HEADS),
        sections,
        {
            "Runs that diverged or did not train": _lost(arms),
            "Left out": _left_out(skipped),
            "Provenance": _provenance(rows),
        },
        _commands(rows),
        facts_title="Results",
        facts_first=True,
    )


def _lost(arms: Arms) -> tuple[str, pd.DataFrame]:
    parts = [
        pd.DataFrame(
            {
                "run": rows["run"],
                "arm": arm.label,
                "seed": rows["seed"],
                "outcome": [
                    reason if isinstance(reason, str) and reason else outcome
                    for reason, outcome in zip(rows["reason"], rows["outcome"], strict=True)
                ],
            }
        )
        for arm in arms
        if arm.counts["n"] < len(arm.runs)
        for rows in (arm.diverged, arm.untrained)
    ]
    if not parts:
        return "None.", pd.DataFrame()
    return "These are marked in the figures and never averaged in.", pd.concat(parts)


def _left_out(skipped: pd.DataFrame) -> tuple[str, pd.DataFrame]:
    if skipped.empty:
        return "No folder was left out.", pd.DataFrame()
    names = [Path(folder).name for folder in skipped["folder"]]
    table = pd.DataFrame({"folder": names, "reason": skipped["reason"].to_numpy()})
    return "These folders hold no usable record.", table.sort_values(["folder", "reason"])


def _provenance(rows: pd.DataFrame) -> tuple[str, pd.DataFrame]:
    found = []
    for key in sorted(key for key in map(str, rows) if key.startswith("provenance.")):
        name = key.removeprefix("provenance.")
        if name not in ("command", "started", "finished"):
            values = sorted({canonical(v).strip('"') for v in rows[key] if not is_unset(v)})
            found.append({"what": name.replace("_", " "), "value": ", ".join(values) or "unknown"})
    for key in ("device", "precision"):
        if key in rows:
            found.append({"what": key, "value": ", ".join(sorted(set(map(str, rows[key]))))})
    identities = sorted(rows["run"])
    found.append({"what": "runs", "value": f"{identities[0]} to {identities[-1]}"})
    return "Read from the records of the runs.", pd.DataFrame(found)


def _commands(rows: pd.DataFrame) -> list[str]:
    if "provenance.command" not in rows:
        return []
    commands = sorted(set(rows["provenance.command"].dropna()))
    rest = [f"... and {len(commands) - COMMANDS} more"] if len(commands) > COMMANDS else []
    return commands[:COMMANDS] + rest
