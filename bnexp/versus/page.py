"""An answer as one HTML page, with its figures and tables as files beside it."""

import json
import math
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from bnexp.errors import UserError
from bnexp.report.chart import Chart
from bnexp.report.export import write_table, writing
from bnexp.report.page import Block, Page, Section
from bnexp.runs.files import write_text
from bnexp.versus.answer import Answer
from bnexp.versus.figures import FIGURES
from bnexp.versus.showing import notes

CHOSEN = "Pilot seeds (from 1,000,000) choose on validation data and never speak. "
COUNTED = (
    "Seeds are counted in order. Of n seeds k are enough where "
    "E = 2^n B(k + 1/2, n - k + 1/2) / B(1/2, 1/2) is 20 times the number of pairs or more; "
    "“likely” is 20. This holds whenever one looks, so that more seeds may be added."
)


def write(answer: Answer, out: Path) -> Path:
    """Write `index.html`, `answer.json`, figures and tables; return the page's path."""
    with writing(out, says="out="):
        out.mkdir(parents=True, exist_ok=True)
        missing: list[str] = []
        blocks = [_block(answer, chart, name, out) for name, chart in _charts(answer, missing)]
        write_table(answer.table, out / "tables" / "arms")
        write_table(answer.by_seed(), out / "tables" / "seeds")
        text = json.dumps(answer.as_json(), indent=1, allow_nan=False)
        write_text(out / "answer.json", text + "\n")
        page = Page(
            f"{answer.sentence}.",
            " ".join(f"{line.rstrip('.')}." for line in notes(answer)),
            answer.cells.rename(columns=answer.heads),
            [Section("Figures", blocks, missing)],
            {
                "How it was decided": (CHOSEN * bool(answer.chosen) + COUNTED, pd.DataFrame()),
                "Every seed": (
                    "The reading of each arm: low and high ends, where they are known.",
                    answer.by_seed().replace([math.inf, -math.inf], math.nan),
                ),
            },
            facts_title="The arms",
            facts_first=True,
        )
        path = out / "index.html"
        write_text(path, page.html())
    return path


def _charts(answer: Answer, missing: list[str]) -> Iterator[tuple[str, Chart]]:
    for name in FIGURES:
        try:
            yield name, answer.figure(name)
        except UserError as error:
            missing.append(str(error))


def _block(answer: Answer, chart: Chart, name: str, out: Path) -> Block:
    folder = out / "figures"
    folder.mkdir(parents=True, exist_ok=True)
    svg = chart.svg()
    write_text(folder / f"{name}.svg", svg)
    (folder / f"{name}.png").write_bytes(chart.png())
    files = [
        path.relative_to(out).as_posix()
        for path in write_table(chart.table, out / "tables" / f"figure-{name}")
    ]
    return Block(chart, svg, answer.command, files)
