"""The last lines in the terminal."""

from pathlib import Path

from bnexp.comparisons.cards.ending import ending
from bnexp.comparisons.entry import entry_of
from bnexp.comparisons.run import courses_of, run_courses
from tests.comparisons.made_up import Trainer, judge, setting


def test_one_comparison_ends_in_a_sentence_a_picture_and_a_command(folder: Path) -> None:
    asked = setting(max_seeds=7)
    _, entry = judge(Trainer(folder), asked)
    (folder / "figures").mkdir()
    (folder / "figures" / "C1-verdicts.svg").write_text("<svg/>")
    assert ending([entry], asked, folder / "index.html") == [
        "It gains: likely yes; 3 points, above 0 in 7 of 7 seeds.",
        f"Picture: {folder / 'figures' / 'C1-verdicts.svg'}",
        "Next: bnexp reproduce C1 max_seeds=20   (seeds until it is decided)",
    ]
    _, entry = judge(Trainer(folder), setting())
    sentence, _, command = ending([entry], asked, folder / "index.html")
    assert sentence == "It gains: yes; 3 points, above 0 in 15 of 15 seeds."
    assert command == "Next: bnexp reproduce C1 --verbose   (every seed's reading)"


def test_a_calculation_and_several_comparisons(folder: Path) -> None:
    trainer, asked = Trainer(folder), setting("A7", "C1")
    courses = courses_of(asked)
    run_courses(courses, trainer.records, trainer)
    entries = [entry_of(one) for one in courses]
    page = folder / "index.html"
    assert ending(entries[:1], asked, page) == [
        "7 of 10 printed numbers and statements are wrong.",
        f"Picture: {page}",
        "Next: bnexp reproduce A7 --verbose   (step by step)",
    ]
    assert ending(entries, asked, page)[-1] == "Next: bnexp reproduce all   (every comparison)"
