"""Which comparisons a command line names: by id, by part, or by words of title and question."""

import re
from collections.abc import Sequence

from bnexp.comparisons.config import ID, load, names
from bnexp.comparisons.datasets import ledger_config
from bnexp.errors import UserError

SHOWN = 8  # candidates


def find(words: Sequence[str]) -> list[str]:
    """The ids that `words` name; those of the core where there are none. Raises UserError.

    `all` is every comparison, a letter a whole part. Words that are no id must all be found in the
    title or the question of one comparison.
    """
    known = names()
    if not words:
        return [name for name in known if name in ledger_config()["core"]]
    chosen: list[str] = []
    others: list[str] = []
    problems: list[str] = []
    for word in words:
        found = [one for one in known if word == "all" or word.upper() in (one, one[0])]
        chosen += found
        if not found and ID.fullmatch(word.upper()):
            problems.append(f"{word}: no such comparison; `bnexp reproduce --list` shows them")
        elif not found:
            others.append(word)
    if others and not problems:
        try:
            chosen.append(_by_words(others))
        except UserError as error:
            problems += error.lines
    if problems:
        raise UserError(*problems)
    return [name for name in known if name in chosen]


def _by_words(words: Sequence[str]) -> str:
    asked = " ".join(words)
    wanted = re.findall(r"[\w-]+", asked.lower())
    places: list[dict[str, list[str]]] = [{}, {}, {}]  # title; with question; with claims
    for name in names():
        one = load(name)
        words_of: list[str] = []
        parts = (one.title, one.question, " ".join(claim.says for claim in one.assertions))
        for place, part in zip(places, parts, strict=True):
            words_of = words_of + re.findall(r"[\w-]+", part.lower())
            place[name] = words_of
    for place in places:  # a title that fits is meant, whatever questions say
        found = [
            name
            for name, text in place.items()
            if wanted and all(any(word.startswith(one) for word in text) for one in wanted)
        ]
        if len(found) == 1:
            return found[0]
        if found:
            shown = [f"{name} ({load(name).title})" for name in found[:SHOWN]]
            more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
            raise UserError(
                f"{asked}: fits {len(found)} comparisons, name one: {', '.join(shown)}{more}"
            )
    raise UserError(f"{asked}: no such comparison; `bnexp reproduce --list` shows them")
