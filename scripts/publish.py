#!/usr/bin/env python3
"""Make results/ from ledgers: what `bnexp reproduce` wrote becomes what we publish.

    python scripts/publish.py digits=ledger-digits fashion_mnist=ledger-fashion,ledger-more
    python scripts/publish.py            # the pages again, from what is published already
    python scripts/publish.py --check    # exit code 1 where a page differs from its tables

Each argument is NAME=FOLDER, a ledger's folder to publish as results/NAME; of several folders of
one dataset, the rows are put together. Its comparisons take the place of those published; others
stay. A published reading stands: a ledger that has another one for a seed is refused, as is a
definition that has changed under its edition's number; readings of an older edition go to
retired.csv. Then results/README.md and the results in README.md are written anew. No number on
these pages is typed.
"""

import argparse
import json
import shutil
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from bnexp.comparisons.config import load
from bnexp.comparisons.datasets import ledger_config
from bnexp.comparisons.ledger import STYLES
from bnexp.comparisons.words import HOW_COUNTED, LUCK
from bnexp.errors import UserError

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "results"
START, END = "<!-- results: written by scripts/publish.py -->", "<!-- end of results -->"
TOGETHER = ("digits", "fashion_mnist", "cifar10")  # the order of columns
NAMES = {"digits": "digits", "fashion_mnist": "Fashion-MNIST", "cifar10": "CIFAR-10 (JPEG copy)"}
MARK = {"yes": "**yes**", "no": "**no**", "not measured": ""}  # other words as they are
OUTCOMES = {  # of a claim over all datasets, in the order of the page
    "no": ("do not hold", "Claims that do not hold"),
    "yes": ("hold wherever they were decided", "Claims that hold"),
    "no difference": ("make no difference", "Claims of something that makes no difference"),
    "mixed": ("hold on one dataset and not on another", "Claims that hold here and not there"),
    "open": ("are open", "Open"),
    "size": ("", "Sizes measured on another net or dataset than the source's"),
    "not measured": ("", "Not measured"),
}
FRONT = 2  # claims of each comparison of the core that README.md shows
PICTURES = ("B8-learning_rate-1", "B3-gradients-1", "B12-convergence-1", "B13-batch_size-1")


@dataclass(frozen=True)
class Ledger:
    """One published ledger."""

    name: str
    data: dict[str, Any]

    @property
    def rows(self) -> dict[str, dict[str, Any]]:
        """Its comparisons by id."""
        return {row["id"]: row for row in self.data["rows"]}

    @property
    def title(self) -> str:
        """The dataset's name for people."""
        return NAMES.get(self.name, self.name)


def published() -> list[Ledger]:
    """The ledgers in results/ that have their evidence beside them, in order."""
    found = [path.parent.name for path in RESULTS.glob("*/evidence.csv")]
    found.sort(key=lambda name: (TOGETHER.index(name) if name in TOGETHER else 9, name))
    return [
        Ledger(name, json.loads((RESULTS / name / "ledger.json").read_text())) for name in found
    ]


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
    runs = pd.concat([table_of(folder / "runs.csv") for folder in [*folders, target]])
    (target / "figures").mkdir(parents=True, exist_ok=True)
    write(target / "evidence.csv", evidence)
    write(target / "choices.csv", choices)
    write(target / "runs.csv", runs.drop_duplicates("run") if len(runs) else runs)
    if len(gone := pd.concat(retired)):
        write(target / "retired.csv", gone.drop_duplicates())


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


def says(row: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The judged assertions of a row, by what the source says."""
    return {
        verdict["says"]: verdict
        for verdict in row["verdicts"]
        if verdict.get("says") and verdict["verdict"] in STYLES
    }


def claims(ledgers: list[Ledger], letter: str) -> list[tuple[str, str, list[dict[str, Any]]]]:
    """(id, what the source says, its verdict in each ledger; {} where there is none)."""
    found: dict[tuple[str, str], None] = {}
    for ledger in ledgers:
        for name, row in ledger.rows.items():
            if name[0] == letter:
                found |= dict.fromkeys((name, text) for text in says(row))
    keys = sorted(found, key=lambda key: int(key[0][1:]))
    judged = [{name: says(row) for name, row in ledger.rows.items()} for ledger in ledgers]
    return [
        (name, text, [one.get(name, {}).get(text, {}) for one in judged]) for name, text in keys
    ]


def outcome(verdicts: list[dict[str, Any]]) -> str:
    """The verdicts of one claim over all datasets in a word; "likely" is open."""
    words = {v["verdict"] for v in verdicts if v} - {"not measured"}
    if words & {"here too", "not here"}:
        return "size"
    decided = words & {"yes", "no", "no difference"}
    if len(decided) > 1:
        return "mixed"
    return decided.pop() if decided else ("open" if words else "not measured")


def told(verdict: dict[str, Any]) -> str:
    """A verdict and what was measured; "" where there is none."""
    if not verdict:
        return ""
    return f"{MARK.get(verdict['verdict'], verdict['verdict'])} {verdict['measured']}".strip()


def cell(text: object) -> str:
    """Text for a Markdown table."""
    return " ".join(str(text or "").split()).replace("|", "\\|")


def claim_table(ledgers: list[Ledger], chosen: list[tuple[str, str, list[dict[str, Any]]]]) -> str:
    """Claims with the measured figure on every dataset."""
    head = ["id", "the source says", *(ledger.title for ledger in ledgers)]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for name, text, verdicts in chosen:
        documented = next((v["documented"] for v in verdicts if v.get("documented")), "")
        cells = [told(v) for v in verdicts]
        link = f"[{name}](#{name.lower()})"
        lines.append("| " + " | ".join(map(cell, [link, f"{text} ({documented})", *cells])) + " |")
    return "\n".join(lines)


def errata(ledger: Ledger) -> str:
    """What the source's arithmetic gets wrong."""
    lines = [
        "| id | what | printed | right | how the printed value arises |",
        "|---|---|---|---|---|",
    ]
    for name, row in ledger.rows.items():
        for step in row["table"]:
            if step.get("verdict") == "erratum":
                right = f"{step['value']:.5g}"
                how = step.get("explains") or "none of the mistaken formulas tried gives it"
                shown = [name, step["label"], step["printed"], right, how]
                lines.append("| " + " | ".join(map(cell, shown)) + " |")
    return "\n".join(lines)


def arithmetic(ledger: Ledger) -> Counter[str]:
    """Verdicts of the printed numbers."""
    return Counter(
        step["verdict"]
        for row in ledger.rows.values()
        for step in row["table"]
        if "printed" in step and step["printed"] is not None
    )


def page(ledgers: list[Ledger]) -> str:
    """results/README.md."""
    every = claims(ledgers, "B")
    by_outcome: dict[str, list[tuple[str, str, list[dict[str, Any]]]]] = {}
    for claim in every:
        by_outcome.setdefault(outcome(claim[2]), []).append(claim)
    counts = ", ".join(
        f"{len(by_outcome[word])} {words}"
        for word, (words, _) in OUTCOMES.items()
        if words and word in by_outcome
    )
    total = sum(len(by_outcome.get(word, [])) for word, (words, _) in OUTCOMES.items() if words)
    first = ledgers[0]
    printed = arithmetic(first)
    lines = [
        "# What was measured",
        "",
        "Written by `scripts/publish.py` from the ledgers beside it; no number or verdict here is",
        f"typed. {HOW_COUNTED} {LUCK} Every verdict follows from `evidence.csv` and `choices.csv`:",
        "`bnexp rejudge results/digits` computes them again. How often counting seeds is wrong is",
        "in [protocol](protocol/README.md).",
        "",
        f"Of {total} claims about training, {counts}. Of {sum(printed.values())} numbers "
        f"printed in the source's calculations, {printed['exact']} are exact, "
        f"{printed['rounded']} right to their printed digits, {printed['erratum']} wrong.",
        "",
        "| measured on | images, epochs | seeds | machine | ledger |",
        "|---|---|---|---|---|",
        *(conditions(ledger) for ledger in ledgers),
        "",
        "## In five minutes",
        "",
        front(ledgers),
        "",
        *pictures(first),
    ]
    for word, (_, title) in OUTCOMES.items():
        if word in by_outcome:
            lines += [f"## {title}", "", claim_table(ledgers, by_outcome[word]), ""]
    lines += ["## What the source's arithmetic gets wrong", "", errata(first), ""]
    checks = claims(ledgers, "I")
    if checks:
        lines += ["## The instrument's own checks", "", claim_table(ledgers, checks), ""]
    lines += ["## Comparison by comparison", ""]
    for name, row in first.rows.items():
        lines += comparison(name, row, ledgers)
    missing = [command(ledger, left) for ledger in ledgers if (left := not_measured(ledger, first))]
    if missing:
        lines += ["## Not measured", "", "The comparisons that are missing above, with the command",
                  "that measures them:", "", "```", *missing, "```", ""]  # fmt: skip
    return "\n".join(lines).rstrip() + "\n"


def pictures(ledger: Ledger) -> list[str]:
    """A few figures that show the most; each says what it shows."""
    lines = []
    for name in PICTURES:
        row = ledger.rows.get(name.partition("-")[0])
        if row is None or not (RESULTS / ledger.name / "figures" / f"{name}.svg").exists():
            continue
        lines += [f"![{cell(row['title'])}]({ledger.name}/figures/{name}.svg)", ""]
    return lines


def conditions(ledger: Ledger) -> str:
    """A row on what a ledger was made with."""
    data = ledger.data
    setup = data["setup"]
    machine = (
        f"{data['provenance'].get('device_name', '')}, torch {data['provenance'].get('torch')}"
    )
    link = f"[{ledger.name}]({ledger.name}/ledger.csv)"
    shown = [ledger.title, setup["words"], setup["seeds"], machine, link]
    return "| " + " | ".join(map(cell, shown)) + " |"


def comparison(name: str, row: dict[str, Any], ledgers: list[Ledger]) -> list[str]:
    """One comparison: the question, what was found on every dataset, its figure."""
    lines = [f"### {name}", "", f"**{row['title']}.** {row['question']}", ""]
    lines.append(f"- Documented (section {row['section']}): {row['documented']}")
    nets = {tuple(ledger.rows[name]["models"]) for ledger in ledgers if name in ledger.rows}
    for ledger in ledgers:
        mine = ledger.rows.get(name)
        if mine is not None and mine["summary"]:
            how = [*mine["overrides"], *(mine["models"] if len(nets) > 1 else [])]
            shown = f" ({', '.join(how)})" if how else ""
            lines.append(f"- {ledger.title}{shown}: {mine['summary'].rstrip('.')}.")
            lines += [f"  - {note}" for note in mine["notes"]]
    for title, key in (
        ("Held fixed", "held"),
        ("Chosen by pilots", "chosen"),
        ("Literature", "literature"),
    ):
        if row[key]:
            lines.append(f"- {title}: {row[key]}")
    lines.append("")
    figure = next(
        (
            f"{ledger.name}/figures/{name}-{kind}.svg"
            for ledger in ledgers
            for kind in ("verdicts", "printed")
            if (RESULTS / ledger.name / "figures" / f"{name}-{kind}.svg").exists()
        ),
        None,
    )
    return [*lines, f"![{cell(row['title'])}]({figure})", ""] if figure else lines


def not_measured(ledger: Ledger, whole: Ledger) -> list[str]:
    """The comparisons that this ledger lacks, of those that depend on the dataset."""
    return [
        name
        for name in whole.rows
        if any("data" not in grid for grid in [*load(name).sweep, *load(name).fixed])
        and (name not in ledger.rows or ledger.rows[name]["problem"])
    ]


def command(ledger: Ledger, names: list[str]) -> str:
    """How to measure what was left out."""
    data = ledger.data
    extra = " data.root=FOLDER" if data["data"] == "image_folder" else ""
    return f"bnexp reproduce {' '.join(names)} data={data['data']}{extra}"


def front(ledgers: list[Ledger]) -> str:
    """The results shown in README.md."""
    head = ["the source says", *(ledger.title for ledger in ledgers)]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    shown: Counter[str] = Counter()
    for name, text, verdicts in claims(ledgers, "B"):
        if name not in ledger_config()["core"] or shown[name] == FRONT:
            continue
        shown[name] += 1
        cells = [told(v) for v in verdicts]
        lines.append("| " + " | ".join(map(cell, [text, *cells])) + " |")
    return "\n".join(lines)


def with_front(text: str, table: str) -> str:
    """README.md with the table between the marks."""
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}\n{table}\n{END}{after}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("ledgers", nargs="*", metavar="NAME=FOLDER")
    parser.add_argument("--check", action="store_true", help="write nothing, compare")
    options = parser.parse_args()
    try:
        for argument in options.ledgers:
            name, _, folder = argument.partition("=")
            adopt(name, [Path(one) for one in folder.split(",")])
    except UserError as error:
        print("\n".join(f"publish.py: {line}" for line in error.lines), file=sys.stderr)
        return 2
    ledgers = published()
    if not ledgers:
        print("publish.py: no ledger with evidence.csv is in results/: give NAME=FOLDER")
        return 2
    readme = ROOT / "README.md"
    pages = {
        RESULTS / "README.md": page(ledgers),
        readme: with_front(readme.read_text(), front(ledgers)),
    }
    stale = [path for path, text in pages.items() if not path.exists() or path.read_text() != text]
    if options.check:
        for path in stale:
            print(f"{path.relative_to(ROOT)} differs from its tables: run scripts/publish.py")
        return int(bool(stale))
    for path in stale:
        path.write_text(pages[path])
    return 0


if __name__ == "__main__":
    sys.exit(main())
