#!/usr/bin/env python3
"""Make results/ from ledgers: what `bnexp reproduce` wrote becomes what we publish.

    python scripts/publish.py digits=ledger-digits fashion_mnist=ledger-fashion,ledger-more
    python scripts/publish.py            # the pages again, from what is published already
    python scripts/publish.py --draw     # and the figures of verdicts, from their evidence
    python scripts/publish.py --check    # exit code 1 where a page differs from its tables

Each argument is NAME=FOLDER, a ledger's folder to publish as results/NAME; of several folders of
one dataset, the rows are put together. Its comparisons take the place of those published; others
stay. A published reading stands: a ledger that has another one for a seed is refused, as is a
definition that has changed under its edition's number; readings of an older edition go to
retired.csv. Then the pages of results/ (cards, site) and the results in README.md are written
anew, from evidence alone (bnexp/comparisons/cards). No number on these pages is typed.
"""

import argparse
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pandas as pd

from bnexp.comparisons.cards import html, markdown
from bnexp.comparisons.cards.results import Results
from bnexp.comparisons.figures import assertions, judged
from bnexp.comparisons.words import LUCK
from bnexp.errors import UserError

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "results"
START, END = "<!-- results: written by scripts/publish.py -->", "<!-- end of results -->"


def adopt(name: str, folders: list[Path]) -> None:
    """Publish the comparisons of some ledgers in results/NAME. Raises UserError."""
    target = RESULTS / name
    ledgers = [json.loads((folder / "ledger.json").read_text()) for folder in folders]
    if any(one["design"] for one in ledgers):
        raise UserError(f"{name}: readings of design seeds are never published")
    if not (target / "evidence.csv").exists():
        shutil.rmtree(target, ignore_errors=True)
    new = {row["id"]: row for one in ledgers for row in one["rows"]}
    merge_evidence(target, folders, set(new))
    ledger = target / "ledger.json"
    old = json.loads(ledger.read_text()) if ledger.exists() else {}
    rows = {row["id"]: row for row in old.get("rows", [])} | new
    whole = ledgers[0] | {
        "rows": [rows[one] for one in sorted(rows, key=place)],
        "provenance": together([*([old] if old else []), *ledgers]),
    }
    whole.pop("headline", None)  # of one of them
    text = json.dumps(whole, indent=1, allow_nan=False)
    ledger.write_text(text + "\n")
    write(target / "ledger.csv", merged(target, folders, "ledger.csv", "id", set(new)))
    for one in new:
        for figure in (target / "figures").glob(f"{one}-*.svg"):
            figure.unlink()
    for folder in folders:
        for figure in sorted((folder / "figures").glob("*.svg")):
            shutil.copy(figure, target / "figures" / figure.name)


def merge_evidence(target: Path, folders: list[Path], new: set[str]) -> None:
    """Bring readings, choices and runs of new ledgers to those published."""
    before = table_of(target / "evidence.csv")
    evidence = merged(target, folders, "evidence.csv", "comparison", new)
    retired = [table_of(target / "retired.csv")]
    for one in sorted(new & set(before.get("comparison", []))):
        theirs, mine = (t[t["comparison"] == one] for t in (before, evidence))
        if mine.empty:
            continue
        was, now = theirs["edition"].iloc[0], mine["edition"].iloc[0]
        if was == now:
            refuse_other_readings(one, theirs, mine)
        elif int(now.partition("-")[0]) > int(was.partition("-")[0]):
            retired.append(theirs)
        else:
            raise UserError(f"{one}: published under {was}, now {now}: raise `edition` in its YAML")
    choices = merged(target, folders, "choices.csv", "comparison", new)
    runs = each_once(pd.concat([table_of(folder / "runs.csv") for folder in [target, *folders]]))
    (target / "figures").mkdir(parents=True, exist_ok=True)
    write(target / "evidence.csv", evidence)
    write(target / "choices.csv", choices)
    write(target / "runs.csv", runs)
    if len(gone := pd.concat(retired)):
        write(target / "retired.csv", gone.drop_duplicates())


def each_once(runs: pd.DataFrame) -> pd.DataFrame:
    """A row a run, in the order of their names, with all comparisons that it is part of."""
    if runs.empty:
        return runs
    parts = runs.groupby("run")["comparisons"].agg(
        lambda cells: " ".join(sorted({name for cell in cells for name in cell.split()}, key=place))
    )
    once = runs.drop_duplicates("run", keep="last").sort_values("run", ignore_index=True)
    return once.assign(comparisons=once["run"].map(parts))


def refuse_other_readings(name: str, before: pd.DataFrame, now: pd.DataFrame) -> None:
    """Raise UserError where a published reading is missing, or another one."""
    keys = ["quantity", "seed"]
    both = before.merge(now, on=keys, how="left", suffixes=("", "_now"))
    other = both[(both["low"] != both["low_now"]) | (both["high"] != both["high_now"])]
    if len(other):
        first = other.iloc[0]
        raise UserError(
            f"{name}: {first['quantity']} of seed {first['seed']} is published as "
            f"[{first['low']}, {first['high']}], which stands; go on from it with "
            "bnexp reproduce evidence=results/NAME"
        )


def merged(target: Path, folders: list[Path], file: str, key: str, new: set[str]) -> pd.DataFrame:
    """The published rows of a table without those of the new comparisons, and the new ones."""
    before = table_of(target / file)
    if len(before):
        before = before[~before[key].isin(new)]
    table = pd.concat([before, *(table_of(folder / file) for folder in folders)])
    return table.iloc[sorted(range(len(table)), key=lambda at: place(table[key].iloc[at]))]


def table_of(path: Path) -> pd.DataFrame:
    """A CSV as text; without rows where there is none."""
    if not path.exists():
        return pd.DataFrame()
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def write(path: Path, table: pd.DataFrame) -> None:
    table.to_csv(path, index=False, lineterminator="\n")


def place(name: str) -> tuple[str, int]:
    """A2 before A10."""
    return name[0], int(name[1:])


def together(ledgers: list[dict[str, Any]]) -> dict[str, str]:
    """The provenance of several ledgers."""
    found: dict[str, dict[str, None]] = {}
    for ledger in ledgers:
        for key, value in ledger["provenance"].items():
            found.setdefault(key, {}).update(dict.fromkeys(value.split(", ")))
    return {key: ", ".join(values) for key, values in found.items()}


def pages(results: Results) -> dict[Path, str]:
    """Every file that is written, with its text."""
    made = markdown.pages(results) | html.pages(results)
    readme = ROOT / "README.md"
    front = [*markdown.claims_table(results, "results/claims/")]
    front += [*results.sentences, LUCK]
    text = with_front(readme.read_text(encoding="utf-8"), "\n".join(front))
    return {RESULTS / name: page for name, page in made.items()} | {readme: text}


def with_front(text: str, table: str) -> str:
    """README.md with the table between the marks."""
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}\n{table}\n{END}{after}"


def left_over(made: dict[Path, str]) -> list[Path]:
    """Cards of comparisons that are no more."""
    return [path for path in sorted((RESULTS / "claims").glob("*")) if path not in made]


def disagreements(results: Results) -> list[str]:
    """Verdicts in ledger.csv that do not follow from the evidence beside it."""
    found = []
    for shelf in results.shelves:
        table = table_of(RESULTS / shelf.name / "ledger.csv")
        told = {(row["id"], row["says"]): row["verdict"] for row in table.to_dict("records")}
        for name, entry in shelf.entries.items():
            if name in shelf.earlier:
                continue
            for one in entry.verdicts:
                word = told.get((name, one.assertion.says))
                if word != one.word:
                    found.append(
                        f"results/{shelf.name}/ledger.csv: {name}: {one.assertion.says}: {word} "
                        f"there, {one.word} by the evidence"
                    )
    return found


def draw(results: Results) -> None:
    """The figure of a row's verdicts, for every row of the present edition."""
    for shelf in results.shelves:
        for name, entry in shelf.entries.items():
            if name not in shelf.earlier and judged(entry):
                path = RESULTS / shelf.name / "figures" / f"{name}-verdicts.svg"
                path.write_text(assertions(entry).svg(), encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("ledgers", nargs="*", metavar="NAME=FOLDER")
    parser.add_argument("--draw", action="store_true", help="draw the figures of verdicts again")
    parser.add_argument("--check", action="store_true", help="write nothing, compare")
    options = parser.parse_args()
    try:
        for argument in options.ledgers:
            name, _, folder = argument.partition("=")
            adopt(name, [Path(one) for one in folder.split(",")])
        results = Results.read(RESULTS)
    except UserError as error:
        print("\n".join(f"publish.py: {line}" for line in error.lines), file=sys.stderr)
        return 2
    if not results.shelves:
        print("publish.py: no ledger with evidence.csv is in results/: give NAME=FOLDER")
        return 2
    problems = disagreements(results)
    if options.draw:
        draw(results)
    made = pages(results)
    stale = [
        path
        for path, text in made.items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    gone = left_over(made)
    if options.check:
        for path in [*stale, *gone]:
            problems.append(
                f"{path.relative_to(ROOT)} differs from its tables: run scripts/publish.py"
            )
    else:
        (RESULTS / "claims").mkdir(exist_ok=True)
        for path in stale:
            path.write_text(made[path], encoding="utf-8")
        for path in gone:
            path.unlink()
    print("\n".join(problems), end="\n" if problems else "")
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
