"""The course of a comparison whose runs are made up: what it asks for, who is shown what."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bnexp.comparisons import evidence
from bnexp.comparisons.config import load, names
from bnexp.comparisons.datasets import ledger_config
from bnexp.comparisons.edition import DESIGN, PILOTS
from bnexp.comparisons.finding import Quantity
from bnexp.comparisons.planner import Planner
from bnexp.comparisons.readings import Reading, exact
from bnexp.comparisons.records import COLUMNS, Records
from bnexp.comparisons.rejudge import again
from bnexp.comparisons.run import courses_of, run_courses
from bnexp.errors import UserError
from bnexp.sweep import Job
from tests.comparisons.made_up import JUDGE, YAML, Trainer, better, judge, setting


def test_pilots_see_the_grid_and_judged_seeds_the_chosen_cells(folder: Path) -> None:
    trainer = Trainer(folder)
    [course], entry = judge(trainer, setting())
    pilots = [run for run in trainer.trained if run[2] >= PILOTS]
    judged = [run for run in trainer.trained if run[2] < PILOTS]
    assert len(pilots) == 2 * 4 * 3
    assert {seed for *_, seed in pilots} == {PILOTS, PILOTS + 1, PILOTS + 2}
    assert course.choices is not None
    assert {run[:2] for run in judged} == {
        (norm, course.choices.value("best", model__norm=norm)) for norm in ("none", "batch")
    }
    assert {seed for *_, seed in judged} == set(range(20_000, 20_015))
    assert entry.verdicts[0].word == "yes"
    splits = {job.plan.config.data.split_seed for jobs in trainer.rounds for job in jobs}
    assert splits == {job.plan.config.seed for jobs in trainer.rounds for job in jobs}


def test_no_judge_is_shown_a_pilots_run_beside_a_judged_one(folder: Path) -> None:
    judge(Trainer(folder), setting())
    import made_up_judge  # type: ignore[import-not-found]

    kinds = [{seed >= PILOTS for seed in seeds} for seeds in made_up_judge.SEEN]
    assert all(len(kind) == 1 for kind in kinds)
    assert {False} in kinds


def test_choices_do_not_depend_on_judged_runs(folder: Path) -> None:
    def other(norm: str, lr: float, seed: int) -> float:
        return better(norm, lr, seed) if seed >= PILOTS else 0.5 * (lr < 0.05)

    chosen = [judge(Trainer(folder, one), setting())[0][0].choices for one in (better, other)]
    kept = [[e for e in c.entries if e.kind != "spread"] for c in chosen if c is not None]
    assert list(map(repr, kept[0])) == list(map(repr, kept[1]))  # NaN equals no NaN


@pytest.mark.parametrize(
    ("losses", "more", "counted", "word"),
    [
        (0, {}, 15, "yes"),
        (1, {}, 20, "yes"),
        (5, {}, 7, "open"),  # 2 of 7: no number of seeds up to 20 can decide
        (0, {"max_seeds": 7}, 7, "likely yes"),
        (0, {"seeds": 5}, 5, "open"),
    ],
)
def test_seeds_are_added_where_they_could_decide(
    folder: Path, losses: int, more: dict[str, int], counted: int, word: str
) -> None:
    def accuracy(norm: str, lr: float, seed: int) -> float:
        lost = seed < PILOTS and seed - 20_000 < losses
        return better(norm, lr, seed) - (0.1 if lost and norm == "batch" else 0)

    _, entry = judge(Trainer(folder, accuracy), setting(**more))
    assert (len(entry.seeds), entry.verdicts[0].word) == (counted, word)


@pytest.mark.parametrize(("typed", "counted"), [(None, 7), (60.0, 10)])
def test_a_definition_has_minutes_of_its_own_and_typed_ones_win(
    folder: Path, typed: float | None, counted: int
) -> None:
    (folder / "C1.yaml").write_text(f"{YAML}minutes: 1.0e-9\n")

    def one_lost(norm: str, lr: float, seed: int) -> float:
        return better(norm, lr, seed) - (0.1 if norm == "batch" and seed == 20_000 else 0)

    trainer = Trainer(folder, one_lost)
    courses = courses_of(setting())
    run_courses(courses, trainer.records, trainer, typed)
    assert min(len(courses[0].counted), 10) == counted


def test_a_seed_that_fails_is_silent_and_counts(folder: Path) -> None:
    trainer = Trainer(folder)
    trainer.failing = {20_003}
    _, entry = judge(trainer, setting())
    [verdict] = entry.verdicts
    assert (verdict.n, verdict.word) == (20, "yes")
    assert verdict.lines is not None
    assert verdict.lines.yes.k == 19


def test_what_has_ended_is_not_asked_for_again(folder: Path) -> None:
    trainer = Trainer(folder)
    _, first = judge(trainer, setting())
    trainer.rounds.clear()
    _, again_ = judge(trainer, setting())
    assert not trainer.rounds
    assert again_.verdicts == first.verdicts


def test_a_run_that_never_ends_holds_back_the_later_seeds(folder: Path) -> None:
    class Stuck(Trainer):
        def __call__(self, jobs: Sequence[Job]) -> list[Any]:
            return super().__call__([job for job in jobs if job.plan.config.seed != 20_003])

    _, entry = judge(Stuck(folder), setting())
    assert entry.seeds == (20_000, 20_001, 20_002)
    assert entry.verdicts[0].word == "open"


def test_two_comparisons_share_their_runs_and_verdicts_do_not_depend_on_the_company(
    folder: Path,
) -> None:
    alone, together = Trainer(folder), Trainer(folder)
    _, first = judge(alone, setting("C1"))
    _, second = judge(together, setting("C1", "C2"))
    assert first.verdicts == second.verdicts
    both = {job.plan.identity for jobs in together.rounds for job in jobs}
    assert {job.plan.identity for jobs in alone.rounds for job in jobs} <= both


def test_a_search_closes_in_on_the_end_of_what_trains(folder: Path) -> None:
    ends = {"none": 1.7, "batch": 6.0}

    def accuracy(norm: str, lr: float, seed: int) -> float:
        return 0.9 - 0.001 * abs(lr - 0.1) if lr <= ends[norm] + (seed % 5) / 10 else 0.1

    trainer = Trainer(folder, accuracy)
    [course], _ = judge(trainer, setting("C2", seeds=10))
    readings = course.quantities["rate"].readings
    assert len(readings) == len(course.counted) == 10
    for seed, reading in readings.items():
        shift = (seed % 5) / 10
        truth = (6.0 + shift) / (1.7 + shift)
        assert reading.low <= truth * 1.001
        assert truth <= reading.high * 1.001
        assert reading.high / reading.low < 1.16**2 * 1.01
    per_seed = sum(seed == 20_001 for *_, seed in trainer.trained)
    assert per_seed <= 2 * (2 + 6) + 2
    assert len(trainer.rounds) < 25  # all seeds bisect at once


def test_evidence_says_all_that_verdicts_need(folder: Path, tmp_path: Path) -> None:
    courses, entry = judge(Trainer(folder), setting())
    out = tmp_path / "ledger"
    out.mkdir()
    evidence.write(courses, out)
    [read], told = again(out)
    assert not told
    assert [replace(v, quantity=None) for v in read.verdicts] == [
        replace(v, quantity=None) for v in entry.verdicts
    ]
    assert read.edition == entry.edition
    runs = (out / "runs.csv").read_text().splitlines()
    assert len(runs) == 1 + 2 * 4 * 3 + 2 * 15


def test_published_seeds_go_on_with_the_published_choices(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "ledger"
    out.mkdir()
    courses, _ = judge(Trainer(folder), setting(max_seeds=7))
    evidence.write(courses, out)
    published = evidence.read(out)
    later = Trainer(folder)
    [course], entry = judge(later, setting(), published)
    _, at_once = judge(Trainer(folder), setting())
    assert {seed for *_, seed in later.trained} == set(range(20_007, 20_015))
    assert [v.word for v in entry.verdicts] == [v.word for v in at_once.verdicts] == ["yes"]
    assert course.quantities["gain"].readings == {
        seed: reading for v in at_once.verdicts for seed, reading in v.quantity.readings.items()
    }  # type: ignore[union-attr]


def test_the_first_reading_of_a_seed_stands(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "ledger"
    out.mkdir()
    courses, _ = judge(Trainer(folder), setting(seeds=7))
    evidence.write(courses, out)
    changed = Trainer(folder, lambda norm, lr, seed: 1 - better(norm, lr, seed))
    [course], _ = judge(changed, setting(seeds=7), evidence.read(out))
    assert course.quantities["gain"].centre == pytest.approx(3)
    assert not changed.rounds


def test_times_are_not_pooled_over_machines() -> None:
    published = evidence.Published(
        seeds=[1], quantities={"time": timed({1: exact(2)})}, origin={1: ("0.2", "here")}
    )
    new = {"time": timed({1: exact(5), 2: exact(3)}), "gain": Quantity({2: exact(1)})}
    here, there = (published.merged(new, [1, 2], machine) for machine in ("here", "there"))
    assert here["time"].readings == {1: exact(2), 2: exact(3)}
    assert there["time"].readings == {1: exact(2)}
    assert there["gain"].readings == {2: exact(1)}


def timed(readings: dict[int, Reading]) -> Quantity:
    return Quantity(readings, "ratio", "x", timed=True)


def test_another_definition_is_another_edition(folder: Path) -> None:
    before = setting().edition_of(load("C1"))
    assert before == setting(max_seeds=9, minutes=1).edition_of(load("C1"))
    for change in ({"epochs": 2.0}, {"assertions": []}, {"pilots": 5}):
        assert setting().edition_of(load("C1").model_copy(update=change)) != before
    for same in (
        {"title": "other"},
        {"cost": 3.0},
        {"why": "so"},
        {"held": "other"},
        {"figures": []},
    ):
        assert setting().edition_of(load("C1").model_copy(update=same)) == before
    assert setting(typed=("model.width=64",)).edition_of(load("C1")) != before
    assert setting(typed=("device=cuda", "workers=2")).edition_of(load("C1")) == before
    judge_file = folder / "made_up_judge.py"
    judge_file.write_text("# a comment\n" + JUDGE)
    assert setting().edition_of(load("C1")) == before
    judge_file.write_text(JUDGE.replace("lead(batch, none)", "lead(none, batch)"))
    after = setting().edition_of(load("C1"))
    assert after != before
    kept, told = evidence.of_editions({"C1": evidence.Published(before, seeds=[1])}, {"C1": after})
    assert not kept
    assert "raise `edition`" in told[0]


def test_design_seeds_are_apart(folder: Path) -> None:
    trainer = Trainer(folder)
    judge(trainer, setting(design=True, seeds=2))
    assert {seed for *_, seed in trainer.trained if seed < PILOTS} == set()
    assert {seed for *_, seed in trainer.trained if seed >= DESIGN} == {DESIGN, DESIGN + 1}


def test_the_planner_checks_what_differs_in_nothing_but_the_seed_once(folder: Path) -> None:
    planner = Planner()
    cells = setting().cells(load("C1"), load("C1").sweep)
    planner.plan(cells)
    known = dict(planner.known)
    planner.plan(cells)
    assert planner.known == known
    assert len({job.plan.identity for job in planner.jobs(cells, [1, 2])}) == 2 * len(cells)


def test_a_table_has_the_columns_that_reports_read_though_no_run_fills_them(tmp_path: Path) -> None:
    records = Records(tmp_path, "bnexp reproduce C1")
    records.rows["a"] = {"run": "a", "status": "done", "seed": 1}
    table = records.table(["a"]).runs
    assert set(COLUMNS) <= set(table)
    assert table["reason"].isna().all()


WHERE = "{name: best, per: [model.norm], where: {data.train_size: 3}}"


def test_a_rule_that_selects_none_of_its_arms_is_refused(folder: Path) -> None:
    text = (folder / "C1.yaml").read_text()
    (folder / "C1.yaml").write_text(text.replace("{name: best, per: [model.norm]}", WHERE))
    with pytest.raises(UserError) as found:
        courses_of(setting())
    assert found.value.lines == ["C1: choose best: none of its 8 arms has data.train_size=3"]


SELECTING = [
    one.id
    for one in map(load, names())
    if any(rule.where for rule in (*one.choose, *one.target, *one.search))
]


@pytest.mark.parametrize("name", SELECTING)
def test_rules_select_arms_whatever_a_dataset_sets(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Datasets bring keys and a net of their own: a rule must not lean on a default."""
    known = ledger_config()["datasets"]
    others = {"overrides": ["data.train_size=600", "data.batch_size=128"], "net": "cnn_small"}
    monkeypatch.setitem(known, "digits", known["digits"] | others)
    courses_of(setting(name))  # raises UserError where one selects none
