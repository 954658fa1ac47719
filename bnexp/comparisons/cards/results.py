"""All published results as what the pages are made of: the core, the rest, errata, literature."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bnexp.comparisons.cards.card import Card, Place, cards, outcome
from bnexp.comparisons.cards.shelf import Shelf, shelves
from bnexp.comparisons.config import Assertion, load, names
from bnexp.comparisons.datasets import ledger_config
from bnexp.compose import CONF

PARTS = {
    "A": "Calculations of the source, recomputed",
    "B": "Claims about training",
    "I": "The instrument's own checks",
}
BESIDE = {  # further pages, where they are published
    "protocol/README.md": "how often counting seeds is wrong",
    "performance.md": "how fast bnexp is",
}
PICTURES = ("B12", "B3", "B13")  # of these rows the first page shows the figure
OUTCOMES = {  # of a claim over all datasets: of one, of several
    "yes": ("holds wherever it was decided", "hold wherever they were decided"),
    "no": ("does not hold", "do not hold"),
    "mixed": ("holds on one dataset and not on another", "hold on one dataset and not on another"),
    "no difference": ("makes no difference", "make no difference"),
    "open": ("is open", "are open"),
}
STANCES = {
    "disagrees": "The literature says otherwise",
    "qualifies": "The literature says it holds under conditions",
    "agrees": "The literature says the same",
    "silent": "The literature has no figures",
}


@dataclass(frozen=True)
class Unmeasured:
    """Something that the source says and no experiment here decides."""

    source: str
    says: str
    why: str


@dataclass(frozen=True)
class Results:
    """What is published, over all datasets."""

    shelves: tuple[Shelf, ...]
    cards: tuple[Card, ...]
    unmeasured: tuple[Unmeasured, ...]
    beside: dict[str, str]

    @classmethod
    def read(cls, folder: Path) -> "Results":
        """What a folder of results holds. Raises UserError where a file is damaged."""
        found = shelves(folder)
        listed = yaml.safe_load((CONF / "unmeasured.yaml").read_text(encoding="utf-8"))
        return cls(
            tuple(found),
            tuple(cards([load(name) for name in names()], found)),
            tuple(Unmeasured(**one) for one in listed),
            {path: says for path, says in BESIDE.items() if (folder / path).exists()},
        )

    @property
    def core(self) -> list[Card]:
        """The cards of the first page."""
        return [card for card in self.cards if card.id in ledger_config()["core"]]

    def part(self, letter: str) -> list[Card]:
        """The cards of a part: A, B or I."""
        return [card for card in self.cards if card.comparison.letter == letter]

    @property
    def front(self) -> list[tuple[Card, Assertion]]:
        """The core's claims about training, in plain words."""
        return [(card, one) for card in self.core if not card.arithmetic for one in card.headlines]

    @property
    def sentences(self) -> list[str]:
        """Everything in two sentences."""
        over = Counter(outcome(_words(card, one)) for card, one in self._claims("B"))
        total = sum(over[word] for word in OUTCOMES)
        told = ", ".join(
            f"{over[word]} {says[over[word] > 1]}" for word, says in OUTCOMES.items() if over[word]
        )
        words = Counter(line.word for card in self.part("A") for line in card.lines if line.word)
        found = []
        if total:
            found.append(f"Of {total} claims about training {told}.")
        if words:
            found.append(
                f"Of {words.total()} numbers and statements recomputed {words['exact']} are exact, "
                f"{words['rounded']} right to their printed digits, {words['erratum']} wrong."
            )
        return found

    @property
    def wrong_numbers(self) -> list[Card]:
        """Calculations in which a printed number or statement is wrong."""
        return [card for card in self.cards if card.errata]

    @property
    def wrong_claims(self) -> list[tuple[Card, Assertion]]:
        """Claims decided against on some dataset, and in favour on none."""
        return [
            (card, one) for card, one in self._claims("AB") if outcome(_words(card, one)) == "no"
        ]

    def stance(self, stance: str) -> list[Card]:
        """The cards on which the literature has this stance."""
        return [card for card in self.cards if card.comparison.stance == stance]

    @property
    def missing(self) -> list[Place]:
        """What is not measured of what a dataset could change."""
        return [
            place
            for card in self.part("B")
            for place in card.places
            if not place.measured and _depends_on_data(place)
        ]

    def _claims(self, letters: str) -> list[tuple[Card, Assertion]]:
        return [
            (card, one)
            for card in self.cards
            if card.comparison.letter in letters
            for one in card.comparison.assertions
        ]


def made_with(shelf: Shelf) -> dict[str, str]:
    """What a dataset's results were made with."""
    made: dict[str, Any] = shelf.ledger["provenance"]
    seeds = sorted({len(entry.seeds) for entry in shelf.entries.values() if entry.verdicts})
    return {
        "images and epochs": shelf.ledger["setup"]["words"],
        "judged seeds": f"{seeds[0]} to {seeds[-1]}" if seeds[:1] != seeds[-1:] else f"{seeds[0]}"
        if seeds else "none",
        "machine": made.get("device_name", ""),
        "torch": made.get("torch", ""),
    }  # fmt: skip


def _words(card: Card, assertion: Assertion) -> list[str]:
    return [found.word for place in card.places if (found := place.verdict(assertion))]


def _depends_on_data(place: Place) -> bool:
    grids = [*place.comparison.sweep, *place.comparison.fixed]
    return any("data" not in grid for grid in grids)
