"""Of numbers that are there: CSV files, folders of runs, and equal arms."""

import random
import re
from pathlib import Path

import pytest
import yaml

from bnexp import compare
from bnexp.comparisons.config import Assertion
from bnexp.comparisons.finding import Quantity
from bnexp.comparisons.readings import exact
from bnexp.comparisons.verdict import judge
from bnexp.errors import UserError
from tests.conftest import Cli
from tests.report.records import write_run

RESAMPLED, POOL, MOST = 200, 60, 20


def called_different(pool: list[float], seed: int) -> bool:
    """Whether a pair drawn from the pool is decided at any look on the way to 20 seeds."""
    draw = random.Random(seed)
    readings = {i: exact(draw.choice(pool) * draw.choice((-1, 1))) for i in range(MOST)}
    above = Assertion.model_validate({"quantity": "b", "says": "b is better", "above": 0})
    looks = (judge(above, Quantity(readings), range(n), family=1).word for n in range(7, MOST + 1))
    return any(word in ("yes", "no") for word in looks)


def test_equal_arms_are_called_different_in_at_most_one_of_twenty() -> None:
    source = random.Random(0)
    pool = [source.gauss(0, 1) for _ in range(POOL)]
    wrong = sum(called_different(pool, seed) for seed in range(RESAMPLED))
    assert wrong <= 0.05 * RESAMPLED


@pytest.mark.slow
def test_equal_arms_of_trained_nets_are_called_different_in_at_most_one_of_twenty() -> None:
    from bnexp import train

    def accuracy(seed: int) -> float:
        words = ("model=mlp", "model.widths=[16]", "training.epochs=2", "data.train_size=200")
        more = (f"seed={seed}", "probes=none", "device=cpu", "training.save_weights=false")
        return float(train(*words, *more).results["test_accuracy"])

    pool = [accuracy(seed) - accuracy(POOL + seed) for seed in range(POOL)]
    wrong = sum(called_different(pool, seed) for seed in range(RESAMPLED))
    assert wrong <= 0.05 * RESAMPLED


def test_a_csv_has_a_column_for_each_arm(tmp_path: Path) -> None:
    rows = "\n".join(f"{seed},{seed},{seed + 1}" for seed in range(8))
    (tmp_path / "seeds.csv").write_text(f"seed,a,b\n{rows}\n")
    answer = compare("seeds.csv")
    assert answer.sentence == "B is higher in value than a: 8 of 8 seeds, 1"
    assert list(answer.table["median"]) == [3.5, 4.5]
    worse = compare("seeds.csv", metric="loss")
    assert worse.sentence.startswith("B is worse than a")
    assert answer.figure().table["speaks"].tolist() == ["for"] * 8


@pytest.mark.parametrize(
    ("column", "first"), [("score", 1.0), ("accuracy", 100.0), ("percent_accuracy", 1.0)]
)
def test_a_long_csv_is_compared_by_the_one_column_that_is_left(
    tmp_path: Path, column: str, first: float
) -> None:
    top = 90 if column == "percent_accuracy" else 0
    rows = [
        f"{seed},{arm},{1 + (top if seed else 0) - worse}"
        for arm, worse in (("a", 0), ("b", 0.5))
        for seed in range(9)
    ]
    (tmp_path / "runs.csv").write_text("\n".join([f"seed,arm,{column}", *rows]) + "\n")
    answer = compare("runs.csv", by="arm")
    assert answer.lines[0].readings[0].low == first
    assert answer.verdicts[0].word == "no"


def test_a_long_csv_of_several_columns_wants_one_named(tmp_path: Path) -> None:
    (tmp_path / "runs.csv").write_text("seed,arm,speed,size\n0,a,1,2\n0,b,2,3\n")
    with pytest.raises(UserError, match=r"metric=COLUMN: there are speed and size"):
        compare("runs.csv", by="arm")
    assert compare("runs.csv", by="arm", metric="size").lines[1].readings[0].low == 3
    with pytest.raises(UserError, match="did you mean size"):
        compare("runs.csv", by="arm", metric="sizes")


def test_a_long_csv_names_its_arms_in_a_column(tmp_path: Path) -> None:
    rows = [f"{seed},{arm},{0.8 + 0.01 * (arm == 'x')}" for seed in range(7) for arm in "wx"]
    (tmp_path / "runs.csv").write_text("\n".join(["seed,arm,test_accuracy", *rows]) + "\n")
    answer = compare("runs.csv", by="arm")
    assert answer.sentence == "X is better than w: 7 of 7 seeds, 1 points"


def test_a_csv_with_a_column_for_each_arm_may_hold_accuracies(tmp_path: Path) -> None:
    rows = "\n".join(f"{seed},0.8,0.82" for seed in range(8))
    (tmp_path / "seeds.csv").write_text(f"seed,a,b\n{rows}\n")
    answer = compare("seeds.csv", metric="accuracy")
    assert answer.sentence == "B is better than a: 8 of 8 seeds, 2 points"
    assert "initial weights" not in answer.figure().method


def test_the_only_column_of_a_csv_says_by_its_name_which_side_is_better(tmp_path: Path) -> None:
    rows = [f"{seed},{arm},{0.5 if arm == 'a' else 0.3}" for seed in range(8) for arm in "ab"]
    for column, said in (("val_loss", "better than a"), ("size", "lower in size than a")):
        (tmp_path / "runs.csv").write_text("\n".join([f"seed,arm,{column}", *rows]) + "\n")
        assert f"B is {said}: 8 of 8 seeds" in compare("runs.csv", by="arm").sentence


def test_a_csv_has_no_times_to_a_target(tmp_path: Path) -> None:
    (tmp_path / "seeds.csv").write_text("seed,a,b\n0,1,2\n")
    with pytest.raises(UserError, match="read off curves"):
        compare("seeds.csv", metric="epochs_to:0.9")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,2\n", "needs a column `seed`"),
        ("seed,a\n1,2\n", "needs two arms"),
        ("seed,a,b\n1,2,x\n", "'x' is no number"),
        ("seed,a,b\n1,2,3\n1,2,3\n", "one row for each seed"),
        ("", "is no CSV file"),
    ],
)
def test_a_csv_that_cannot_be_read_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "bad.csv").write_text(text)
    with pytest.raises(UserError, match=said):
        compare("bad.csv")


def test_a_mark_names_the_two_runs_that_it_compares(tmp_path: Path) -> None:
    for seed in range(3):
        for norm in ("none", "batch"):
            write_run(tmp_path / "runs", norm, seed, command=f"bnexp train {norm} {seed}")
    answer = compare("runs", by="model.norm")
    hints = re.findall(r"<use [^>]*><title>([^<]*)</title></use>", answer.figure().svg())
    assert len(hints) == 3
    for seed, hint in enumerate(hints):
        first, *rest = hint.splitlines()
        reading = answer.verdicts[0].quantity.readings[seed].low  # type: ignore[union-attr]
        assert first.startswith(f"seed {seed}: batch norm against no norm: ")
        points = first.split(": ")[2].removesuffix(" points").replace("\N{MINUS SIGN}", "-")
        assert float(points) == pytest.approx(reading, rel=0.05)
        assert rest[2::3] == [f"bnexp train {norm} {seed}" for norm in ("none", "batch")]
        names = answer.runs.runs.query("seed == @seed")["run"]  # type: ignore[union-attr]
        assert set(rest[1::3]) == set(names)


def test_a_call_is_saved_reproduced_and_found_again(cli: Cli, tmp_path: Path) -> None:
    tiny = ("model=mlp", "model.widths=[8]", "training.epochs=1", "data.train_size=100")
    arms = ("model.norm=none,batch", "optimizer.lr=0.1", "device=cpu", "seeds=2")
    done = cli("compare", *tiny, *arms, "--save", "C1.yaml", "workers=1", "minutes=9")
    assert done.returncode == 0, done.stderr
    assert "undecided: " in done.stdout
    assert (tmp_path / "compare" / "index.html").exists()
    assert {path.name for path in (tmp_path / "compare" / "figures").iterdir()} == {
        "seeds.svg", "seeds.png", "curves.svg", "curves.png",
    }  # fmt: skip
    runs = {path: path.stat().st_mtime_ns for path in tmp_path.glob("runs/*/run.json")}
    assert len(runs) == 4
    assert yaml.safe_load((tmp_path / "C1.yaml").read_text())["minutes"] == 9
    again = cli("reproduce", "C1", "comparisons=.", "device=cpu")
    assert again.returncode == 0, again.stderr
    assert runs == {path: path.stat().st_mtime_ns for path in tmp_path.glob("runs/*/run.json")}
    found = cli("compare", "runs", "--by", "model.norm", "--format", "csv")
    assert found.returncode == 0, found.stderr
    assert found.stdout.splitlines()[0].startswith("arm,learning_rate,seeds,")
    bad = cli("compare", *tiny, "model.norm=batch")
    assert (bad.returncode, bad.stdout) == (2, "")
    assert len(bad.stderr.splitlines()) == 1
