"""The published pages as Markdown, for reading on a forge."""

import re
from collections.abc import Iterable, Sequence

from bnexp.comparisons.cards import prose
from bnexp.comparisons.cards.badges import NOT_MEASURED, brief
from bnexp.comparisons.cards.card import Card, Place, in_plain_words, time_needed
from bnexp.comparisons.cards.dots import strip
from bnexp.comparisons.cards.results import PARTS, PICTURES, STANCES, Results, made_with
from bnexp.comparisons.config import Assertion
from bnexp.comparisons.words import HOW_COUNTED, LUCK, measured, parted, rule

SPECIAL = re.compile(r"[\\`*\[\]<>|~$]|(?<!\w)_|_(?!\w)")


def md(text: object) -> str:
    """Text that Markdown shows as it is, on one line."""
    return SPECIAL.sub(r"\\\g<0>", " ".join(str(text).split()))


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table of cells that are Markdown already."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return [*lines, *("| " + " | ".join(row) + " |" for row in rows), ""]


def pages(results: Results) -> dict[str, str]:
    """Every page by its path below the results."""
    found = {
        "README.md": front_page(results),
        "errata.md": errata(results),
        "literature.md": literature(results),
    }
    return found | {f"claims/{one.id}.md": card(one) for one in results.cards}


def link(one: Card, folder: str = "claims/") -> str:
    """A link to a card."""
    return f"[{one.id}]({folder}{one.id}.md)"


def verdict_cell(place: Place, assertion: Assertion) -> str:
    """A badge and what was measured."""
    found = place.verdict(assertion)
    told = md(brief(found)) if found is not None else ""
    return f"{place.badge_of(assertion)}{f'<br>{told}' if told else ''}"


def claims_table(results: Results, folder: str = "claims/") -> list[str]:
    """The core's claims about training: a row each, with a badge for each dataset."""
    return table(
        ["what is said", *(shelf.title for shelf in results.shelves)],
        (
            [f"[{md(in_plain_words(one))}]({folder}{card.id}.md)"]
            + [verdict_cell(place, one) for place in card.places]
            for card, one in results.front
        ),
    )


def sums_table(results: Results, folder: str = "claims/") -> list[str]:
    """The core's calculations."""
    return table(
        ["what is printed", "recomputed"],
        (
            [f"[{md(card.comparison.title)}]({folder}{card.id}.md)", str(card.steps)]
            for card in results.core
            if card.arithmetic and card.lines
        ),
    )


def front_page(results: Results) -> str:
    """results/README.md."""
    lines = [
        "# What is true of what is said about batch norm",
        "",
        *results.sentences,
        "",
        "[What the source gets wrong](errata.md) ·",
        "[where the literature disagrees](literature.md) ·",
        "the same as a site that opens from the disk: `results/index.html`",
        "",
        "## A dozen claims",
        "",
        *claims_table(results),
        *sums_table(results),
        *pictures(results),
        "## All claims",
        "",
        *_all_claims(results),
        "## What cannot be measured",
        "",
        *table(
            ["the source says", "where", "why not"],
            ([md(one.says), md(one.source), md(one.why)] for one in results.unmeasured),
        ),
        "## How",
        "",
        f"{prose.WRITTEN} {HOW_COUNTED} {LUCK}",
        "Every verdict follows from `evidence.csv` and `choices.csv` of a dataset:",
        "`bnexp rejudge results/digits` computes them again.",
        *(f"Beside: [{says}]({path})." for path, says in results.beside.items()),
        "",
        *table(
            ["measured on", "images and epochs", "judged seeds", "machine", "torch"],
            (
                [f"[{md(one.title)}]({one.name}/ledger.csv)", *map(md, made_with(one).values())]
                for one in results.shelves
            ),
        ),
        *_missing(results),
    ]
    return _page(lines)


def pictures(results: Results, folder: str = "") -> list[str]:
    """A few figures that show the most."""
    shown = [card for card in results.cards if card.id in PICTURES and card.picture]
    shown.sort(key=lambda card: PICTURES.index(card.id))
    lines = []
    for one in shown:
        lines += [f"![{md(one.comparison.title)}]({folder}{one.picture})", ""]
    return lines


def _all_claims(results: Results) -> list[str]:
    lines = []
    for letter, title in PARTS.items():
        part = results.part(letter)
        if not part:
            continue
        lines += [f"**{title}**", ""]
        if letter == "A":
            rows = ([link(one), md(one.comparison.title), _sums(one)] for one in part)
            lines += table(["", "", "recomputed"], rows)
        else:
            lines += table(
                ["", "", *(shelf.title for shelf in results.shelves)],
                (
                    [link(one), md(one.comparison.title), *(str(p.badge) for p in one.places)]
                    for one in part
                ),
            )
    return lines


def _sums(one: Card) -> str:
    if one.arithmetic:
        return str(one.steps)
    return next((str(place.badge) for place in one.places if place.measured), str(NOT_MEASURED))


def _missing(results: Results) -> list[str]:
    missing = results.missing
    if not missing:
        return []
    rows = [
        [link(place_card), md(place.shelf.title), f"`{place.command}`", time_needed(place)]
        for place_card in results.part("B")
        for place in place_card.places
        if place in missing
    ]
    return ["## Not measured yet", "", *table(["", "on", "command", "time on a core"], rows)]


def card(one: Card) -> str:
    """The page of one claim."""
    about = one.comparison
    badges = " · ".join(f"{md(where)} **{badge}**" for where, badge in one.badges)
    lines = [
        "[All claims](../README.md)",
        "",
        f"# {one.id}. {md(about.title)}",
        "",
        f"> {md(one.claim)}",
        "",
        badges or f"**{NOT_MEASURED}**",
        "",
        md(one.sentence),
        "",
    ]
    if one.picture:
        lines += [f"![{md(about.title)}](../{one.picture})", ""]
    if about.why:
        lines += [f"**Why.** {md(about.why)}", ""]
    if one.lines:
        lines += _working(one)
    if about.assertions:
        lines += _lines(one)
    lines += [*(_evidence(one)), *_how(one)]
    lines += [f"**The source says** (section {md(about.section)}): {md(about.documented)}", ""]
    if about.literature:
        stance = f" ({about.stance})" if about.stance else ""
        lines += [f"**The literature says**{stance}: {md(about.literature)}", ""]
    lines += ["```", one.command, "```"]
    return _page(lines)


def _working(one: Card) -> list[str]:
    lines = ["## Step by step", ""]
    for place, line in enumerate(one.lines, 1):
        step = line.step
        lines.append(f"{place}. **{md(step.label)}**<br>")
        if step.formula:
            lines.append(f"    {md(step.formula)}<br>")
        if step.working:
            lines.append(f"    = {md(step.working)}<br>")
        if line.word:
            said = f"printed (line {step.line})" if step.line else "printed"
            lines.append(
                f"    {said} {md(step.printed)}, recomputed {line.recomputed}: **{line.word}**"
                + (f", {md(line.why)}" if line.why else "")
            )
        else:
            lines.append(f"    = {step.value:.6g}")
    return [*lines, "", *(f"- {md(note)}" for note in one.notes), *([""] if one.notes else [])]


def _lines(one: Card) -> list[str]:
    lines = ["## Line by line", ""]
    head = ["the source says", "that is", *(place.shelf.title for place in one.places)]
    rows = []
    for claim in one.comparison.assertions:
        where = f"<br>{md(claim.source)}" if claim.source else ""
        rows.append(
            [f"{md(claim.says)}{where}", md(rule(claim))]
            + [_full(place, claim) for place in one.places]
        )
    return [*lines, *table(head, rows)]


def _full(place: Place, claim: Assertion) -> str:
    found = place.verdict(claim)
    if found is None or found.word == "not measured":
        return str(place.badge_of(claim))
    more = "; ".join(filter(None, (found.reason, parted(found))))
    return "<br>".join(
        [f"**{place.badge_of(claim)}**", md(measured(found)), *([md(more)] if more else [])]
    )


def _evidence(one: Card) -> list[str]:
    rows = [
        [md(place.shelf.title), md(verdicts[0].assertion.says),
         strip(quantity, verdicts[0], place.seeds)]
        for place in one.places
        for _, quantity, verdicts in place.counted
    ]  # fmt: skip
    if not rows:
        return []
    note = "A sign for each judged seed, in order: ● for the claim, ✕ against it, ○ for neither."
    return ["## Seed by seed", "", note, "", *table(["", "", "seeds"], rows)]


def _how(one: Card) -> list[str]:
    about = one.comparison
    told = []
    for place in one.places:
        if not place.measured:
            continue
        made = [place.models, *place.row.get("overrides", ())]
        net = ", ".join(filter(None, made))
        told.append(f"- On {md(place.shelf.title)}{f': {md(net)}' if net else ''}.")
        if place.chosen:
            told.append(f"  - Chosen by pilots: {md(place.chosen)}.")
        if place.earlier:
            told.append(f"  - By another definition than today's: edition {md(place.earlier)}.")
    if about.held:
        told.insert(0, f"- Held fixed: {md(about.held)}")
    return ["## How it was measured", "", *told, ""] if told else []


def errata(results: Results) -> str:
    """The page of what the source gets wrong."""
    lines = [
        "# What the source gets wrong",
        "",
        f"The source is a lecture note, *{prose.SOURCE}*. {prose.ERRATA} {prose.WRITTEN}",
        "",
        "## Numbers and statements",
        "",
    ]
    for one in results.wrong_numbers:
        lines += [f"### {md(one.comparison.title)} (section {md(one.comparison.section)})", ""]
        lines += [f"{md(one.sentence)} [Step by step](claims/{one.id}.md)", ""]
        lines += table(
            ["what", "line", "printed", "right", "how the printed one arises"],
            (
                [
                    md(line.step.label), str(line.step.line or ""), md(line.step.printed),
                    md(line.shows), md(line.arises),
                ]
                for line in one.errata
            ),
        )  # fmt: skip
        lines += [*(f"- {md(note)}" for note in one.notes), ""]
    lines += ["## Claims about training", ""]
    lines += table(
        ["", "the source says", "where", *(shelf.title for shelf in results.shelves)],
        (
            [link(card), md(claim.says), md(claim.source)]
            + [verdict_cell(place, claim) for place in card.places]
            for card, claim in results.wrong_claims
        ),
    )
    lines.append(prose.ELSEWHERE)
    return _page(lines)


def literature(results: Results) -> str:
    """The page of where the literature disagrees."""
    lines = [
        "# Where the literature disagrees",
        "",
        prose.LITERATURE,
        "",
    ]
    for stance, title in STANCES.items():
        found = results.stance(stance)
        if not found:
            continue
        lines += [f"## {title}", ""]
        for one in found:
            lines += [f"### {link(one)} {md(one.comparison.title)}", ""]
            lines += [f"- The source: {md(one.comparison.documented)}"]
            lines += [f"- Measured: {md(one.sentence)}"]
            lines += [f"- The literature: {md(one.comparison.literature)}", ""]
    return _page(lines)


def _page(lines: Sequence[str]) -> str:
    text = "\n".join(lines).rstrip() + "\n"
    return re.sub(r"\n{3,}", "\n\n", text)
