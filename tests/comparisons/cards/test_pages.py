"""Pages say what the evidence says, escape everything, and link to what is there."""

import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest

from bnexp.comparisons import config
from bnexp.comparisons.cards import html, markdown
from bnexp.comparisons.cards.results import Results
from bnexp.comparisons.config import load, names
from bnexp.comparisons.datasets import ledger_config
from bnexp.report.labels import MINUS
from tests.comparisons.cards.conftest import Publish
from tests.comparisons.made_up import YAML

NASTY = "<script>alert(1)</script> | *a* `b` & [c](d)"


def pages(results: Path) -> dict[str, str]:
    found = Results.read(results)
    return markdown.pages(found) | html.pages(found)


def test_a_card_for_every_comparison(publish: Publish) -> None:
    made = pages(publish())
    for name in names():
        assert f"claims/{name}.md" in made
        assert f"claims/{name}.html" in made


def test_sentence_and_badge_come_from_the_evidence(publish: Publish) -> None:
    results = publish()
    made = pages(results)
    assert "digits **● yes**" in made["claims/C1.md"]
    assert "On digits: yes, 3 points, above 0 in 15 of 15 seeds." in made["claims/C1.md"]
    assert "| digits | it gains | ●●●●●●●●●●●●●●● |" in made["claims/C1.md"]
    file = results / "digits" / "evidence.csv"
    table = pd.read_csv(file)
    table[["low", "high"]] = -1.5
    table.iloc[:-2].to_csv(file, index=False)
    made = pages(results)
    assert (
        f"On digits: likely no, {MINUS}1.5 points, below 0 in 13 of 13 seeds."
        in made["claims/C1.md"]
    )
    for page in ("claims/C1.md", "claims/C1.html"):
        assert "likely no" in made[page]
        assert not re.search(r"\b3 points|15 of 15|likely yes", made[page])
    assert made["claims/C1.html"].count('class="cross"') == 13


def test_datasets_stand_beside_each_other(publish: Publish) -> None:
    results = publish()
    publish(lambda norm, lr, seed: 0.9 - 0.02 * (norm == "batch"), "fashion_mnist")
    made = pages(results)["claims/C1.md"]
    assert "digits **● yes** · Fashion-MNIST **✕ no**" in made
    assert f"; on Fashion-MNIST: no, {MINUS}2 points, below 0 in 15 of 15 seeds." in made


def test_a_calculation_is_shown_step_by_step(publish: Publish) -> None:
    made = pages(publish())
    card = made["claims/A7.md"]
    assert "7 of 10 printed numbers and statements are wrong." in card
    assert "printed (line 478) 0.954, recomputed 0.9141: **erratum**" in card
    assert r"| sigma\_B^2 | 478 | 0.954 | 0.9141 |" in made["errata.md"].replace(
        "sigma_B", r"sigma\_B"
    )
    assert "0.9141" in made["errata.html"]


def test_what_was_not_measured_says_so(publish: Publish) -> None:
    made = pages(publish())
    assert "Not measured." in made["claims/B8.md"]
    assert "`bnexp reproduce B8 data=digits preset=full`" in made["README.md"]


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.names: list[str] = []
        self.ids: list[str] = []
        self.alone: list[str] = []  # pictures without words
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.names.append(tag)
        self.links += [value for key in ("href", "src") if (value := given.get(key))]
        self.ids += [given["id"] or ""] if "id" in given else []
        if tag == "img" and not given.get("alt"):
            self.alone.append(given.get("src") or "")


def test_every_link_is_to_a_file_that_is_there(publish: Publish) -> None:
    results = publish()
    made = pages(results)
    there = {(results / name).resolve() for name in made} | set(results.rglob("*"))
    for name, text in made.items():
        links = re.findall(r"\]\(([^)\s]+)\)", text) if name.endswith(".md") else []
        if name.endswith(".html"):
            links = [link for link in Tags(text).links if not link.startswith("#")]
        for link in links:
            assert ((results / name).parent / link).resolve() in there, (name, link)


def test_pages_need_no_network_and_little_script(publish: Publish) -> None:
    made = pages(publish())
    assert len(made["site.js"]) <= 3000
    assert "url(" not in made["site.css"]
    for name, text in made.items():
        if name.endswith(".html"):
            tags = Tags(text)
            assert not [link for link in tags.links if "//" in link]
            assert tags.names.count("script") == 1
            assert not tags.alone
            assert len(tags.ids) == len(set(tags.ids))


def test_everything_is_escaped(publish: Publish, folder: Path) -> None:
    nasty = f"'{NASTY}'"
    text = YAML.replace("# Made up", f"# {NASTY}").replace('"it gains"', nasty)
    text = text.replace("question: Is it?", f"question: {nasty}\nwhy: {nasty}\nheld: {nasty}")
    text = text.replace(
        "documented: it is", f"documented: {nasty}\nliterature: {nasty}\nstance: disagrees"
    )
    (folder / "C1.yaml").write_text(text)
    config._load.cache_clear()
    made = pages(publish())
    for name, page in made.items():
        if name.endswith(".html"):
            assert "<script>" not in page
    assert "&lt;script&gt;" in made["claims/C1.html"]
    for name in ("claims/C1.md", "literature.md", "README.md"):
        assert "<script>" not in made[name].replace(r"\<script", "")
        rows = [line for line in made[name].splitlines() if line.startswith("|")]
        for row, after in pairwise(rows):
            if after.startswith("|---"):
                columns = len(re.findall(r"(?<!\\)\|", row))
            elif not row.startswith("|---"):
                assert len(re.findall(r"(?<!\\)\|", row)) == columns, row
    [dots] = re.findall(r"<svg class=\"dots\".*?</svg>", made["claims/C1.html"])
    assert ET.fromstring(dots).attrib["aria-label"].startswith(NASTY)
    config._load.cache_clear()


def test_an_earlier_definition_is_told(publish: Publish) -> None:
    results = publish()
    file = results / "digits" / "evidence.csv"
    file.write_text(file.read_text().replace("C1,2-", "C1,1-"))
    assert "By another definition than today's: edition 1-" in pages(results)["claims/C1.md"]


@pytest.mark.parametrize("name", names())
def test_every_comparison_says_why_and_what_the_literature_says_of_it(name: str) -> None:
    one = load(name)
    assert one.why or one.kind == "instrument"
    assert not one.stance or one.literature
    if one.literature and one.letter == "B":
        assert one.stance


def test_the_core_speaks_in_plain_words() -> None:
    core = [load(name) for name in ledger_config()["core"]]
    assert all(any(a.plain for a in one.assertions) for one in core if one.assertions)


def test_what_cannot_be_measured_names_comparisons_that_are_there(publish: Publish) -> None:
    for one in Results.read(publish()).unmeasured:
        assert set(re.findall(r"\b[ABI]\d+\b", one.why)) <= set(names())
