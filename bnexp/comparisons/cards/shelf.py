"""What is published: for each dataset its evidence judged again, its words and its figures.

Every verdict and number comes from `evidence.csv` and `choices.csv`; calculations step by step,
provenance and budgets from `ledger.json`. Nothing here imports torch.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bnexp.comparisons.config import Comparison
from bnexp.comparisons.entry import Entry
from bnexp.comparisons.rejudge import again

ORDER = ("digits", "fashion_mnist", "cifar10")
TITLES = {"fashion_mnist": "Fashion-MNIST", "cifar10": "CIFAR-10 (JPEG copy)"}


@dataclass(frozen=True)
class Shelf:
    """The results on one dataset.

    `entries` are the comparisons that have readings, `rows` all of the ledger as plain data,
    `earlier` says of a comparison that its readings are of another definition than today's.
    `figures` are the names of its figures' files.
    """

    name: str
    ledger: dict[str, Any]
    entries: dict[str, Entry]
    earlier: dict[str, str]
    figures: frozenset[str]

    @property
    def title(self) -> str:
        """The dataset's name for people."""
        return TITLES.get(self.name, self.name)

    @property
    def data(self) -> str:
        """The dataset's name on the command line."""
        return str(self.ledger["data"])

    @property
    def rows(self) -> dict[str, dict[str, Any]]:
        """The ledger's comparisons by id."""
        return {row["id"]: row for row in self.ledger["rows"]}

    def picture(self, comparison: Comparison) -> str | None:
        """The figure that shows most of a comparison, relative to the results."""
        found = picture(comparison, self.figures)
        return f"{self.name}/figures/{found}" if found else None

    def pictures(self, name: str) -> list[str]:
        """All figures of a comparison, relative to the results."""
        mine = (one for one in self.figures if one.removesuffix(".svg").split("-")[0] == name)
        return [f"{self.name}/figures/{one}" for one in sorted(mine)]


def picture(comparison: Comparison, figures: Collection[str]) -> str | None:
    """The figure of a folder that shows most, chosen by the names of the files."""
    name = comparison.id
    wanted = [f"{name}-{figure['name']}-1" for figure in comparison.figures]
    wanted += [name, f"{name}-verdicts", f"{name}-printed"]
    return next((f"{one}.svg" for one in wanted if f"{one}.svg" in figures), None)


def shelves(results: Path) -> list[Shelf]:
    """Every folder that has evidence. Raises UserError where a file of it is damaged."""
    found = [path.parent for path in results.glob("*/evidence.csv")]
    found.sort(key=lambda path: (ORDER.index(path.name) if path.name in ORDER else 9, path.name))
    return [_shelf(folder) for folder in found]


def _shelf(folder: Path) -> Shelf:
    entries, told = again(folder)
    return Shelf(
        folder.name,
        json.loads((folder / "ledger.json").read_text(encoding="utf-8")),
        {entry.comparison.id: entry for entry in entries},
        {name: why for name, _, why in (line.partition(": ") for line in told)},
        frozenset(path.name for path in (folder / "figures").glob("*.svg")),
    )
