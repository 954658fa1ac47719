#!/usr/bin/env python3
"""Make results/ from ledgers: what `bnexp reproduce` wrote becomes what we publish.

    python scripts/publish.py digits=ledger-digits fashion_mnist=ledger-fashion,ledger-more
    python scripts/publish.py            # the pages again, from what is published already
    python scripts/publish.py --check    # exit code 1 where a page differs from its tables

Each argument is NAME=FOLDER, a ledger's folder to publish as results/NAME; of several folders of
one dataset, the rows are put together. Then results/README.md and the results in README.md are
written anew. No number on these pages is typed.
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

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "results"
START, END = "<!-- results: written by scripts/publish.py -->", "<!-- end of results -->"
TOGETHER = ("digits", "fashion_mnist", "cifar10")  # the order of columns
NAMES = {"digits": "digits", "fashion_mnist": "Fashion-MNIST", "cifar10": "CIFAR-10 (JPEG copy)"}
WORDS = ("supported", "contradicted", "inconclusive")
MARK = {"supported": "yes", "contradicted": "**no**", "inconclusive": "open", "not measured": ""}
# The claims that README.md shows, by comparison and the words of its assertion.
FRONT = (
    ("B8", "batch norm allows larger learning rates (Adam)"),
    ("B8", "50 to 100 times larger learning rates (SGD)"),
    ("B12", "3.7 times fewer epochs, at the source's learning rates"),
    ("B12", "2 to 5 times faster, each at its fastest learning rate"),
    ("B12", "batch norm is faster by the clock, each at its fastest learning rate"),
    ("B3", "without batch norm the gradient vanishes over ten layers (ReLU)"),
    ("B3", "without batch norm the gradient vanishes over ten layers (ReLU, He's init)"),
    ("B3", "without batch norm it vanishes towards the output, as drawn"),
    ("B9", "batch norm narrows the gap between training and test accuracy"),
    ("B13", "with batch norm batch size 2 is much worse than 32"),
    ("B13", "with batch norm batch size 8 works"),
    ("B14", "accumulation makes up for small batches"),
    ("B19", "a step with batch norm takes minimally longer"),
    ("B21", "plain nets of more than 50 layers train with batch norm"),
)


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
    """The ledgers in results/, in order."""
    found = [path.parent.name for path in RESULTS.glob("*/ledger.json")]
    found.sort(key=lambda name: (TOGETHER.index(name) if name in TOGETHER else 9, name))
    return [
        Ledger(name, json.loads((RESULTS / name / "ledger.json").read_text())) for name in found
    ]


def adopt(name: str, folders: list[Path]) -> None:
    """Put the rows of ledgers together in results/NAME, with the figures of their rows.

    Holm's correction counts every assertion of the ledger in each of them, so that verdicts of
    rows run apart stand beside each other.
    """
    target = RESULTS / name
    shutil.rmtree(target, ignore_errors=True)
    (target / "figures").mkdir(parents=True)
    ledgers = [json.loads((folder / "ledger.json").read_text()) for folder in folders]
    rows = [row for ledger in ledgers for row in ledger["rows"]]
    rows.sort(key=lambda row: (row["id"][0], int(row["id"][1:])))
    whole = ledgers[0] | {"rows": rows, "provenance": together(ledgers)}
    del whole["headline"]  # of one of them
    text = json.dumps(whole, indent=1, allow_nan=False)
    (target / "ledger.json").write_text(text + "\n")
    tables = [pd.read_csv(folder / "ledger.csv") for folder in folders]
    table = pd.concat(tables, ignore_index=True)
    order = table["id"].map(lambda one: (one[0], int(one[1:])))
    table.loc[order.sort_values(kind="stable").index].to_csv(
        target / "ledger.csv", index=False, lineterminator="\n"
    )
    for folder in folders:
        for figure in sorted((folder / "figures").glob("*.svg")):
            shutil.copy(figure, target / "figures" / figure.name)


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
        if verdict.get("says") and verdict["verdict"] in (*WORDS, "not measured")
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
    """The verdicts of one claim over all datasets in a word."""
    words = {v["verdict"] for v in verdicts if v.get("verdict") in WORDS}
    decided = words - {"inconclusive"}
    if len(decided) == 2:
        return "mixed"
    return decided.pop() if decided else ("inconclusive" if words else "not measured")


def cell(text: object) -> str:
    """Text for a Markdown table."""
    return " ".join(str(text or "").split()).replace("|", "\\|")


def claim_table(ledgers: list[Ledger], chosen: list[tuple[str, str, list[dict[str, Any]]]]) -> str:
    """Claims with the measured figure on every dataset."""
    head = ["id", "the source says", *(ledger.title for ledger in ledgers)]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for name, text, verdicts in chosen:
        documented = next((v["documented"] for v in verdicts if v.get("documented")), "")
        cells = [f"{MARK[v['verdict']]} {v['measured']}" if v else "" for v in verdicts]
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
        for word, words in (
            ("supported", "hold wherever they were decided"),
            ("contradicted", "do not"),
            ("mixed", "hold on one dataset and not on another"),
            ("inconclusive", "are open"),
        )
        if word in by_outcome
    )
    first = ledgers[0]
    printed = arithmetic(first)
    lines = [
        "# What was measured",
        "",
        "Written by `scripts/publish.py` from the ledgers beside it; no number or verdict here is",
        "typed. yes: supported; **no**: contradicted; open: the interval straddles the line, or it",
        "passes only before Holm's correction. Intervals are at 95%, n counts seeds.",
        "",
        f"Of {len(every)} assertions about training, {counts}. Of {sum(printed.values())} numbers "
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
    for word, title in (
        ("contradicted", "Claims that do not hold"),
        ("supported", "Claims that hold"),
        ("mixed", "Claims that hold here and not there"),
        ("inconclusive", "Open"),
        ("not measured", "Not measured"),
    ):
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
        row = ledger.rows[name.partition("-")[0]]
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
    for title, key in (("Held fixed", "fixed"), ("Literature", "literature")):
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
        if any("data" not in grid for grid in load(name).sweep)
        and (name not in ledger.rows or ledger.rows[name]["problem"])
    ]


def command(ledger: Ledger, names: list[str]) -> str:
    """How to measure what was left out."""
    data = ledger.data
    extra = " data.root=FOLDER" if data["data"] == "image_folder" else ""
    return f"bnexp reproduce {' '.join(names)} data={data['data']}{extra}"


def front(ledgers: list[Ledger]) -> str:
    """The results shown in README.md."""
    known = {(name, text): verdicts for name, text, verdicts in claims(ledgers, "B")}
    head = ["the source says", *(ledger.title for ledger in ledgers)]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for claim in FRONT:
        cells = [f"{MARK[v['verdict']]} {v['measured']}" if v else "" for v in known[claim]]
        lines.append("| " + " | ".join(map(cell, [claim[1], *cells])) + " |")
    key = "yes: supported; **no**: contradicted; open: inconclusive after Holm's correction."
    return "\n".join([*lines, "", key])


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
    for argument in options.ledgers:
        name, _, folder = argument.partition("=")
        adopt(name, [Path(one) for one in folder.split(",")])
    ledgers = published()
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
