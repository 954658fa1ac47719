"""How `bnexp reproduce` ends in the terminal: a plain sentence, a picture, the next command."""

from collections.abc import Sequence
from pathlib import Path

from bnexp.comparisons.cards.card import headlines, in_plain_words, lines_of, of_lines
from bnexp.comparisons.cards.shelf import picture
from bnexp.comparisons.datasets import ledger_config
from bnexp.comparisons.entry import Entry
from bnexp.comparisons.setting import Setting
from bnexp.comparisons.verdict import MOST_SEEDS
from bnexp.comparisons.words import measured


def ending(entries: Sequence[Entry], setting: Setting, page: Path) -> list[str]:
    """The last lines; of one comparison with its own sentence and picture."""
    if len(entries) != 1:
        return [f"All of it, with figures: {page}", f"Next: {_next(entries, setting)}"]
    found = sentence(entries[0])
    names = [path.name for path in (page.parent / "figures").glob("*.svg")]
    shown = picture(entries[0].comparison, names)
    return [
        *([found] if found else []),
        f"Picture: {page.parent / 'figures' / shown if shown else page}",
        f"Next: {_next(entries, setting)}",
    ]


def sentence(entry: Entry) -> str:
    """What came out of a comparison, in plain words; "" where nothing was measured."""
    if entry.printed:
        return of_lines(lines_of(entry))
    said = headlines(entry.comparison)[:1]
    verdict = next((one for one in entry.verdicts if one.assertion in said), None)
    if verdict is None or verdict.word == "not measured":
        return ""
    return f"{in_plain_words(verdict.assertion)[:-1]}: {verdict.word}; {measured(verdict)}."


def _next(entries: Sequence[Entry], setting: Setting) -> str:
    """The command that a reader would type next, and what it is for."""
    ids = [entry.comparison.id for entry in entries]
    data = "" if setting.data == ledger_config()["data"] else f" data={setting.data}"
    if len(ids) == 1 and entries[0].printed:
        return f"bnexp reproduce {ids[0]} --verbose   (step by step)"
    grow = [
        entry.comparison.id
        for entry in entries
        if len(entry.seeds) < MOST_SEEDS
        and any(one.counts and not one.decided for one in entry.verdicts)
    ]
    if grow:
        more = f"max_seeds={MOST_SEEDS}   (seeds until it is decided)"
        return f"bnexp reproduce {' '.join(grow)}{data} {more}"
    if len(ids) == 1:
        return f"bnexp reproduce {ids[0]}{data} --verbose   (every seed's reading)"
    return f"bnexp reproduce all{data}   (every comparison)"
