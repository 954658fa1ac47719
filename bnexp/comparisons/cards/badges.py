"""Verdicts as badges: a sign that is read in grey, a word, and how it looks."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bnexp.comparisons.verdict import Verdict
from bnexp.comparisons.words import ORDER, interval_words, shown, with_unit

SIGNS = {
    "yes": "\N{BLACK CIRCLE}",
    "no": "\N{MULTIPLICATION X}",
    "maybe": "\N{CIRCLE WITH LEFT HALF BLACK}",
    "mixed": "\N{CIRCLE WITH RIGHT HALF BLACK}",
    "open": "\N{WHITE CIRCLE}",
    "same": "=",
    "none": "\N{EN DASH}",
}
LOOKS = {
    "yes": "yes", "here too": "yes", "exact": "yes", "rounded": "yes", "right": "yes",
    "holds": "yes", "no": "no", "not here": "no", "erratum": "no", "wrong": "no",
    "likely yes": "maybe", "likely no": "maybe", "open": "open", "no difference": "same",
    "not measured": "none",
}  # fmt: skip


@dataclass(frozen=True)
class Badge:
    """A verdict, or several counted."""

    word: str
    look: str

    @property
    def sign(self) -> str:
        """A mark that stands for the look."""
        return SIGNS[self.look]

    def __str__(self) -> str:
        return f"{self.sign} {self.word}"


NOT_MEASURED = Badge("not measured", "none")
NOTHING_PRINTED = Badge("no result printed", "none")


def badge(word: str) -> Badge:
    """The badge of one verdict."""
    return Badge(word, LOOKS[word])


def together(words: Sequence[str]) -> Badge:
    """Several verdicts counted: "3 yes, 1 open"."""
    looks = {LOOKS[word] for word in words if word != "not measured"}
    if not looks:
        return NOT_MEASURED
    counts = Counter(words)
    order = [*ORDER, *(word for word in counts if word not in ORDER)]
    text = ", ".join(f"{counts[word]} {word}" for word in order if counts[word])
    return Badge(text, looks.pop() if len(looks) == 1 else "mixed")


def printed(words: Iterable[str]) -> Badge:
    """The verdicts of printed numbers and statements: "3 right, 7 wrong"."""
    return together(["wrong" if word == "erratum" else "right" for word in words])


def brief(verdict: Verdict) -> str:
    """What was measured, for a cell: "5.1x (4.4 to 6), 15 of 15 seeds"; "" where nothing was."""
    quantity, lines = verdict.quantity, verdict.lines
    if quantity is None or not quantity.n:
        return ""
    text = with_unit(shown(quantity), quantity)
    if lines is None:
        return text
    if verdict.interval is not None:
        text += interval_words(*verdict.interval)
    if verdict.word == "open":
        return text
    same = verdict.word == "no difference"
    return f"{text}, {min(lines.same) if same else lines.stronger.k} of {lines.n} seeds"
