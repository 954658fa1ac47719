"""Evidence that is published grows; a published reading stands."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from bnexp.comparisons import evidence, ledger
from bnexp.comparisons.cards.badges import brief
from bnexp.comparisons.cards.shelf import shelves
from bnexp.comparisons.setting import Setting
from bnexp.errors import UserError
from scripts import publish
from tests.comparisons.made_up import Trainer, better, judge, setting


def written(trainer: Trainer, asked: Setting, out: Path, published: Any = None) -> Path:
    """A ledger's folder."""
    courses, entry = judge(trainer, asked, published)
    ledger.write([entry], asked, out)
    evidence.write(courses, out)
    return out


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(publish, "RESULTS", tmp_path / "results")
    return tmp_path / "results" / "digits"


def test_published_evidence_grows(folder: Path, tmp_path: Path, results: Path) -> None:
    first = written(Trainer(folder), setting(max_seeds=7), tmp_path / "first")
    publish.adopt("digits", [first])
    assert len(pd.read_csv(results / "evidence.csv")) == 7
    more = written(Trainer(folder), setting(), tmp_path / "more", evidence.read(results))
    publish.adopt("digits", [more])
    assert list(pd.read_csv(results / "evidence.csv")["seed"]) == list(range(20_000, 20_015))
    assert len(pd.read_csv(results / "runs.csv")) == 2 * 4 * 3 + 2 * 15
    [found] = shelves(results.parent)
    [verdict] = found.entries["C1"].verdicts
    assert (verdict.word, brief(verdict)) == ("yes", "3 points, 15 of 15 seeds")


def test_another_reading_of_a_published_seed_is_refused(
    folder: Path, tmp_path: Path, results: Path
) -> None:
    publish.adopt("digits", [written(Trainer(folder), setting(seeds=7), tmp_path / "first")])
    before = (results / "evidence.csv").read_bytes()
    other = Trainer(
        folder, lambda norm, lr, seed: better(norm, lr, seed) - 0.001 * (norm == "none")
    )
    repeat = written(other, setting(seeds=7), tmp_path / "other")
    with pytest.raises(UserError, match="C1: gain of seed 20000 is published as"):
        publish.adopt("digits", [repeat])
    assert (results / "evidence.csv").read_bytes() == before


def test_a_changed_definition_needs_a_new_number_and_retires_the_old_readings(
    folder: Path, tmp_path: Path, results: Path
) -> None:
    publish.adopt("digits", [written(Trainer(folder), setting(seeds=7), tmp_path / "first")])
    changed = setting(seeds=7, typed=("model.widths=[32]",))
    with pytest.raises(UserError, match="raise `edition`"):
        publish.adopt("digits", [written(Trainer(folder), changed, tmp_path / "changed")])
    for table in (tmp_path / "changed").glob("*.csv"):
        table.write_text(table.read_text().replace("C1,2-", "C1,3-"))
    publish.adopt("digits", [tmp_path / "changed"])
    assert set(pd.read_csv(results / "evidence.csv")["edition"].str[:2]) == {"3-"}
    assert set(pd.read_csv(results / "retired.csv")["edition"].str[:2]) == {"2-"}


def test_design_seeds_are_not_published(folder: Path, tmp_path: Path, results: Path) -> None:
    tried = written(Trainer(folder), setting(seeds=2, design=True), tmp_path / "tried")
    with pytest.raises(UserError, match="design seeds"):
        publish.adopt("digits", [tried])
    assert not results.exists()


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["publish.py", *arguments])
    return publish.main()


def test_pages_are_written_and_checked_against_the_evidence(
    folder: Path,
    tmp_path: Path,
    results: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(publish, "ROOT", tmp_path)
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{publish.START}\nold\n{publish.END}\nafter\n")
    assert run(monkeypatch) == 2
    made = written(Trainer(folder), setting(seeds=7), tmp_path / "first")
    assert run(monkeypatch, f"digits={made}") == 0
    assert run(monkeypatch, "--check") == 0
    text = readme.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text
    assert "](results/claims/B12.md)" in text
    (results.parent / "claims" / "Z9.md").write_text("of a comparison that is gone")
    ledger_csv = results / "ledger.csv"
    ledger_csv.write_text(ledger_csv.read_text().replace("likely yes", "no"))
    capsys.readouterr()
    assert run(monkeypatch, "--check") == 1
    assert capsys.readouterr().out.splitlines() == [
        "results/digits/ledger.csv: C1: it gains: no there, likely yes by the evidence",
        "results/claims/Z9.md differs from its tables: run scripts/publish.py",
    ]


def test_a_run_of_several_comparisons_is_one_row_that_names_them_all() -> None:
    new = pd.DataFrame({"run": ["b", "a"], "comparisons": ["B10", "B9"], "seed": [2, 1]})
    before = pd.DataFrame({"run": ["b", "c"], "comparisons": ["B9 I5", "A2"], "seed": [2, 3]})
    found = publish.each_once(pd.concat([new, before]))
    assert found.to_dict("list") == {
        "run": ["a", "b", "c"],
        "comparisons": ["B9", "B9 B10 I5", "A2"],
        "seed": [1, 2, 3],
    }
