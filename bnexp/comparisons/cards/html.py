"""The published pages as a site that opens from the disk and can be hosted as it is."""

from importlib.resources import files
from typing import Any

import jinja2
from markupsafe import Markup

from bnexp.comparisons.cards import dots, prose
from bnexp.comparisons.cards.badges import NOT_MEASURED, badge, brief
from bnexp.comparisons.cards.card import Card, in_plain_words, time_needed
from bnexp.comparisons.cards.results import PARTS, PICTURES, STANCES, Results, made_with
from bnexp.comparisons.words import HOW_COUNTED, LUCK, measured, parted, rule
from bnexp.report.page import SORTING


def pages(results: Results) -> dict[str, str]:
    """Every page and file of the site by its path below the results; everything is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_template), autoescape=True, trim_blocks=True,
        lstrip_blocks=True, undefined=jinja2.StrictUndefined,
    )  # fmt: skip
    environment.globals |= _globals(results)

    def page(name: str, root: str = "", **more: Any) -> str:
        template = environment.get_template(f"{name}.html.j2")
        return template.render(root=root, here=f"{name}.html", **more).rstrip() + "\n"

    found = {f"{name}.html": page(name) for name in ("index", "errata", "literature")}
    for card in results.cards:
        others = _others(card)
        found[f"claims/{card.id}.html"] = page("card", "../", card=card, others=others)
    return found | {"site.css": _template("site.css"), "site.js": SORTING + _template("site.js")}


def _template(name: str) -> str:
    return files(__package__).joinpath("templates", name).read_text(encoding="utf-8")


def _globals(results: Results) -> dict[str, Any]:
    shown = [card for card in results.cards if card.id in PICTURES and card.picture]
    likely = any(
        verdict.word.startswith("likely")
        for card in results.cards
        for place in card.places
        for verdict in place.verdicts
    )
    return {
        "results": results,
        "pictures": sorted(shown, key=lambda card: PICTURES.index(card.id)),
        "parts": PARTS,
        "stances": STANCES,
        "none_measured": NOT_MEASURED,
        "make_badge": badge,
        "brief": brief,
        "plain": in_plain_words,
        "cost": time_needed,
        "conditions": made_with,
        "measured": measured,
        "parted": parted,
        "rule": rule,
        "dots": lambda *about: Markup(dots.svg(*about)),
        "prose": prose,
        "how": HOW_COUNTED,
        "likely": LUCK if likely else "",
    }


def _others(card: Card) -> list[tuple[str, str]]:
    """The card's other figures: path and name."""
    found = []
    for place in card.places:
        for path in place.shelf.pictures(card.id):
            if path != card.picture:
                name = path.rpartition("/")[2].removesuffix(".svg").partition("-")[2]
                found.append((path, f"{name.replace('_', ' ') or card.id} ({place.shelf.title})"))
    return found
