"""A claim's card: what is said, what was found on every dataset, and how."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bnexp.comparisons.cards.badges import (
    NOT_MEASURED,
    NOTHING_PRINTED,
    Badge,
    badge,
    printed,
    together,
)
from bnexp.comparisons.cards.prose import NO_SLIP
from bnexp.comparisons.cards.shelf import Shelf
from bnexp.comparisons.config import Assertion, Comparison
from bnexp.comparisons.datasets import ledger_config
from bnexp.comparisons.entry import Entry
from bnexp.comparisons.finding import Quantity
from bnexp.comparisons.verdict import Verdict
from bnexp.comparisons.words import chosen_in_words, measured, right_value
from bnexp.comparisons.working import Step
from bnexp.report.labels import number


@dataclass(frozen=True)
class Line:
    """One step of a calculation; `word` is empty where the source prints nothing."""

    step: Step
    word: str
    why: str

    @property
    def recomputed(self) -> str:
        """The right value with a digit more than printed; for a statement, what shows it."""
        return right_value(self.step)

    @property
    def shows(self) -> str:
        """The right value; for a statement also what the value is."""
        step = self.step
        return self.recomputed if step.is_number else f"{self.recomputed}, {step.formula}"

    @property
    def arises(self) -> str:
        """How a wrong number may have come about."""
        return self.why or (NO_SLIP if self.step.is_number else "")


@dataclass(frozen=True)
class Place:
    """A comparison on one dataset; `entry` is None where it has no readings there."""

    comparison: Comparison
    shelf: Shelf
    entry: Entry | None

    @property
    def row(self) -> dict[str, Any]:
        """Its row of the ledger, as plain data."""
        return self.shelf.rows.get(self.comparison.id, {})

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """The verdicts, recomputed from the evidence."""
        return self.entry.verdicts if self.entry is not None else ()

    def verdict(self, assertion: Assertion) -> Verdict | None:
        """The verdict on one assertion."""
        return next((one for one in self.verdicts if one.assertion == assertion), None)

    @property
    def badge(self) -> Badge:
        """All its verdicts, counted."""
        return together([one.word for one in self.verdicts])

    def badge_of(self, assertion: Assertion) -> Badge:
        """The badge of one assertion."""
        found = self.verdict(assertion)
        return NOT_MEASURED if found is None else badge(found.word)

    @property
    def measured(self) -> bool:
        """Whether anything was measured here."""
        return any(one.word != "not measured" for one in self.verdicts)

    @property
    def counted(self) -> list[tuple[str, Quantity, list[Verdict]]]:
        """Each quantity that seeds were counted for, with the verdicts on it."""
        found: dict[str, list[Verdict]] = {}
        for one in self.verdicts:
            if one.lines is not None:
                found.setdefault(one.assertion.quantity, []).append(one)
        return [(name, ones[0].quantity, ones) for name, ones in found.items() if ones[0].quantity]

    @property
    def seeds(self) -> tuple[int, ...]:
        """The judged seeds that count, in their order."""
        return self.entry.seeds if self.entry is not None else ()

    @property
    def chosen(self) -> str:
        """What pilots chose."""
        return chosen_in_words(self.entry.choices) if self.entry is not None else ""

    @property
    def earlier(self) -> str:
        """The edition of its readings, if the definition has changed since."""
        if self.entry is None or self.comparison.id not in self.shelf.earlier:
            return ""
        return self.entry.edition

    @property
    def models(self) -> str:
        """The nets that were trained."""
        return ", ".join(self.row.get("models", ()))

    @property
    def picture(self) -> str | None:
        """The figure that shows most of it, relative to the results."""
        return self.shelf.picture(self.comparison)

    @property
    def command(self) -> str:
        """The command that measures it."""
        return f"bnexp reproduce {self.comparison.id} data={self.shelf.data} preset=full"


@dataclass(frozen=True)
class Card:
    """One comparison over all datasets, in the order of their shelves."""

    comparison: Comparison
    places: tuple[Place, ...]
    lines: tuple[Line, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The comparison's id."""
        return self.comparison.id

    @cached_property
    def arithmetic(self) -> bool:
        """Whether it is a calculation, which no dataset changes."""
        return not self.comparison.assertions

    @property
    def headlines(self) -> list[Assertion]:
        """The assertions that speak for it: those in plain words, or the first."""
        return headlines(self.comparison)

    @property
    def claim(self) -> str:
        """What is claimed, in a sentence."""
        if self.arithmetic:
            return f"Printed: {self.comparison.documented.rstrip('.')}."
        return in_plain_words(self.headlines[0])

    @property
    def steps(self) -> Badge:
        """What the source prints, right and wrong."""
        words = [line.word for line in self.lines if line.word]
        return printed(words) if words or not self.lines else NOTHING_PRINTED

    @property
    def errata(self) -> list[Line]:
        """The printed numbers and statements that are wrong."""
        return [line for line in self.lines if line.word == "erratum"]

    @property
    def badges(self) -> list[tuple[str, Badge]]:
        """For each dataset the badge of the claim; one of a calculation."""
        if self.arithmetic:
            return [("recomputed", self.steps)]
        return [(place.shelf.title, place.badge_of(self.headlines[0])) for place in self.places]

    @property
    def sentence(self) -> str:
        """What came out, in a sentence."""
        if self.arithmetic:
            return of_lines(self.lines)
        told = [
            f"on {place.shelf.title}: {found.word}, {measured(found)}"
            for place in self.places
            if (found := place.verdict(self.headlines[0])) and found.word != "not measured"
        ]
        return _sentence("; ".join(told)) if told else "Not measured."

    @property
    def picture(self) -> str | None:
        """The figure of the first dataset that has one, relative to the results."""
        return next((place.picture for place in self.places if place.picture), None)

    @property
    def command(self) -> str:
        """The command that shows it again."""
        return f"bnexp reproduce {self.id}{' --verbose' if self.arithmetic else ''}"

    @property
    def outcome(self) -> str:
        """The outcome of its claim over all datasets, in a word."""
        return outcome(
            [found.word for place in self.places if (found := place.verdict(self.headlines[0]))]
        )


def cards(comparisons: Sequence[Comparison], shelves: Sequence[Shelf]) -> list[Card]:
    """A card for every comparison, whether it was measured or not."""
    found = []
    for one in comparisons:
        places = tuple(Place(one, shelf, shelf.entries.get(one.id)) for shelf in shelves)
        row = next((place.row for place in places if place.row), {})
        lines = _lines(row) if not one.assertions else ()
        found.append(Card(one, places, lines, tuple(row.get("notes", ())) if lines else ()))
    return found


def headlines(comparison: Comparison) -> list[Assertion]:
    """The assertions that speak for a comparison: those in plain words, or the first."""
    plain = [one for one in comparison.assertions if one.plain]
    return plain or list(comparison.assertions[:1])


def lines_of(entry: Entry) -> list[Line]:
    """What the source prints of a calculation, as a course has judged it."""
    return [Line(step, word, step.explains or step.excuse) for step, word in entry.printed]


def in_plain_words(assertion: Assertion) -> str:
    """An assertion as a sentence in plain words."""
    return _sentence(assertion.plain or assertion.says)


def outcome(words: Sequence[str]) -> str:
    """The verdicts of one claim over all datasets in a word; "likely" is open."""
    found = set(words) - {"not measured"}
    if found & {"here too", "not here"}:
        return "size"
    decided = found & {"yes", "no", "no difference"}
    if len(decided) > 1:
        return "mixed"
    return decided.pop() if decided else ("open" if found else "not measured")


def time_needed(place: Place) -> str:
    """About how long measuring it takes, on one core; "" where that is not known."""
    one = place.comparison
    if one.cost is None:
        return ""
    known = ledger_config()["datasets"].get(place.shelf.data, {})
    minutes = one.cost * float(known.get("pace", 1)) * 20 / 60
    return f"{number(minutes / 60, 2)} h" if minutes >= 60 else f"{max(1, round(minutes))} min"


def _lines(row: dict[str, Any]) -> tuple[Line, ...]:
    """The steps of a calculation as its ledger has them."""
    kept = ("label", "value", "printed", "formula", "working", "explains", "line", "holds")
    return tuple(
        Line(
            Step(**{key: step[key] for key in kept}),
            step["verdict"] if step["printed"] is not None else "",
            step["explains"] or step.get("excuse", ""),
        )
        for step in row.get("table", ())
        if "printed" in step
    )


def of_lines(lines: Sequence[Line]) -> str:
    """How much of what is printed is right, in a sentence."""
    words = [line.word for line in lines if line.word]
    if not words:
        return "Nothing of it was recomputed." if not lines else "The source prints no result."
    wrong = words.count("erratum")
    if len(words) == 1:
        return f"The one printed number or statement is {'wrong' if wrong else 'right'}."
    count = f"all {len(words)}" if not wrong else f"{wrong} of {len(words)}"
    return _sentence(f"{count} printed numbers and statements are {'wrong' if wrong else 'right'}")


def _sentence(text: str) -> str:
    text = " ".join(text.split()).rstrip(".")
    return f"{text[:1].upper()}{text[1:]}."
