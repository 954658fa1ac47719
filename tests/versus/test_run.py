"""Calls from pilots to verdicts, on made-up runs."""

import math
import random

import pytest

from bnexp.comparisons.config import Assertion
from bnexp.comparisons.edition import PILOTS
from bnexp.comparisons.finding import Quantity
from bnexp.comparisons.readings import exact
from bnexp.comparisons.verdict import judge
from bnexp.errors import UserError
from bnexp.versus.call import read_call
from bnexp.versus.run import asked_difference, forecasts
from tests.versus.made_up import NORMS, MadeUp


def peak(norm: str, lr: float, seed: int) -> float:
    """Best at 0.5 without norm and at 2 with it, which is then 3 points better."""
    best, top = (2.0, 0.93) if norm == "batch" else (0.5, 0.9)
    return top - 0.05 * abs(math.log10(lr / best))


def noisy(gain: float, spread: float) -> "object":
    def accuracy(norm: str, lr: float, seed: int) -> float:
        noise = random.Random(f"{norm} {seed}").gauss(0, spread / math.sqrt(2))
        return 0.5 + (gain if norm == "batch" else 0) + noise - 0.05 * abs(math.log10(lr / 0.03))

    return accuracy


def test_each_arm_gets_its_rate_and_seeds_are_added_until_it_is_decided(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made_up = MadeUp(monkeypatch, peak)
    answer = made_up.answer()
    rates = dict(zip(answer.table["arm"], answer.table["learning_rate"], strict=True))
    assert 0.35 < rates["no norm"] < 0.75
    assert 1.4 < rates["batch norm"] < 2.9
    assert list(answer.seeds) == list(range(7))
    [verdict] = answer.verdicts
    assert verdict.word == "yes"
    assert answer.sentence.startswith("Batch norm is better than no norm on digits: 7 of 7 seeds, ")
    assert answer.sentence.endswith(", at the rates chosen")
    judged = {seed for *_, seed in made_up.trained if seed < PILOTS}
    assert judged == set(range(7))
    assert {s for *_, s in made_up.trained} - judged == set(range(PILOTS, PILOTS + 5))


def test_a_typed_rate_stands_and_needs_no_pilots(monkeypatch: pytest.MonkeyPatch) -> None:
    made_up = MadeUp(monkeypatch, peak)
    answer = made_up.answer(*NORMS, "optimizer.lr=0.2")
    assert {lr for _, lr, _ in made_up.trained} == {0.2}
    assert max(seed for *_, seed in made_up.trained) < PILOTS
    assert answer.chosen == ""
    assert "rates chosen" not in answer.sentence


def test_the_threshold_is_that_of_the_pairs_of_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    three = ("model=mlp", "model.norm=none,batch,layer", "optimizer.lr=1", "device=cpu")
    answer = MadeUp(monkeypatch, peak).answer(*three)
    assert {verdict.family for verdict in answer.verdicts} == {2}
    assert len(answer.seeds) == 8  # layer norm and no norm are equal: no number decides
    words = {verdict.assertion.quantity: verdict.word for verdict in answer.verdicts}
    assert words == {"batch norm": "yes", "layer norm": "open"}


def test_a_margin_asks_for_as_good_as(monkeypatch: pytest.MonkeyPatch) -> None:
    made_up = MadeUp(monkeypatch, noisy(0.0, 0.0005))  # type: ignore[arg-type]
    answer = made_up.answer(*NORMS, "optimizer.lr=0.03", "margin=0.5")
    assert answer.verdicts[0].word == "no difference"
    assert "is as good as" in answer.sentence
    assert "within 0.5 points" in answer.sentence


def test_what_a_plan_asks_about_of_a_factor_is_above_one() -> None:
    words = (*NORMS, "metric=epochs_to:0.9")
    assert asked_difference(read_call(words)) == 1.1
    assert asked_difference(read_call((*words, "margin=0.2"))) == 1.2
    assert asked_difference(read_call((*NORMS, "margin=2"))) == 2


def test_the_control_is_the_first_or_the_named_one(monkeypatch: pytest.MonkeyPatch) -> None:
    typed = (*NORMS, "optimizer.lr=1", "seeds=7")
    made_up = MadeUp(monkeypatch, peak)
    assert made_up.answer(*typed).control == "no norm"
    answer = made_up.answer(*typed, "control=batch")
    assert list(answer.table["arm"]) == ["batch norm", "no norm"]
    assert answer.verdicts[0].word == "no"
    assert answer.sentence.startswith("No norm is worse than batch norm")


@pytest.mark.parametrize("stop_after", [3, 32, 60])
def test_killing_and_continuing_gives_the_answer_of_not_killing(
    monkeypatch: pytest.MonkeyPatch, stop_after: int
) -> None:
    def accuracy(norm: str, lr: float, seed: int) -> float:
        return peak(norm, lr, seed) - (0.2 if norm == "batch" and seed in (1, 8) else 0)

    at_once = MadeUp(monkeypatch, accuracy)
    words = (*NORMS, "pilots=2")
    whole = at_once.answer(*words)
    assert len(whole.seeds) > 7
    killed = MadeUp(monkeypatch, accuracy)
    killed.stop_after = min(stop_after, len(at_once.trained) - 1)
    first = killed.begin(*words)
    so_far = first.until_decided()
    assert first.interrupted
    assert so_far.stopped == "interrupted"
    assert len(so_far.seeds) <= len(whole.seeds)
    killed.stop_after = None
    again = killed.answer(*words)
    assert again.sentence == whole.sentence
    assert again.table.equals(whole.table)
    assert sorted(killed.trained) == sorted(at_once.trained)


def test_a_planted_difference_is_found_with_the_predicted_number_of_seeds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    difference, spread = 0.01, 0.01
    made_up = MadeUp(monkeypatch, noisy(difference, spread))  # type: ignore[arg-type]
    words = (*NORMS, "optimizer.lr=0.03", "pilots=60", "difference=1")
    going = made_up.begin(*words, plan=True)
    going.until_chosen()
    [forecast] = forecasts(going)
    assert forecast.seeds is not None
    assert forecast.spread == pytest.approx(100 * spread, rel=0.25)
    assert all(seed >= PILOTS for *_, seed in made_up.trained)
    above = Assertion.model_validate({"quantity": "b", "says": "b is better", "above": 0})
    draw, found = random.Random(0), 0
    for _ in range(400):
        drawn = {i: exact(draw.gauss(difference, spread)) for i in range(forecast.seeds)}
        found += judge(above, Quantity(drawn), list(drawn), family=1).word == "yes"
    assert 0.72 <= found / 400 <= 0.92  # a power of 80%, or a little more
    planted = MadeUp(monkeypatch, noisy(2 * difference, spread))  # type: ignore[arg-type]
    answer = planted.answer(*NORMS, "optimizer.lr=0.03")
    assert answer.verdicts[0].word == "yes"


def test_it_warns_of_what_is_not_fair(monkeypatch: pytest.MonkeyPatch) -> None:
    made_up = MadeUp(monkeypatch, lambda norm, lr, seed: 0.9 + 0.001 * (norm == "batch"))
    going = made_up.begin(*NORMS, "optimizer.lr=0.1")
    answer = going.until_decided()
    assert any("300 test images are few" in line for line in answer.warnings)
    for identity, row in made_up.rows.items():
        made_up.rows[identity] = row | {"parameters": 150 if row["model.norm"] == "batch" else 100}
    answer = made_up.answer(*NORMS, "optimizer.lr=0.1")
    assert any("50% more parameters" in line for line in answer.warnings)
    falling = MadeUp(monkeypatch, lambda norm, lr, seed: 0.5 + 0.04 * math.log10(lr))
    edge = falling.answer(*NORMS, "pilots=2", "seeds=1")
    assert any("is the largest that was tried" in line for line in edge.warnings)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("model.norm=batch",), "two arms or more"),
        (("model.norm=batch,grup",), "is no normaliser"),
        (("modle.norm=batch,group",), "nearest known key: model.norm"),
        ((*NORMS, "metric=acuracy"), "did you mean accuracy?"),
        ((*NORMS, "metric=epochs_to:90"), "such as epochs_to:0.9"),
        ((*NORMS, "metric=largest_lr", "lr=0.1"), "none can be typed"),
        ((*NORMS, "seed=1"), "compare draws the seeds"),
        ((*NORMS, "control=foo"), "must name one of the arms: no norm, batch norm"),
        ((*NORMS, "max_seeds=0"), "a number of seeds, 1 to 1000"),
        ((*NORMS, "minutes=soon"), "a number of minutes, above 0"),
        ((*NORMS, "margin=-1"), "a number above 0"),
        ((*NORMS, "metric=epochs_to:0.9", "margin=1.2"), "below 1, of a factor"),
        ((*NORMS, "metric=epochs_to:0.9", "difference=0.5"), "a factor above 1"),
        (("sweep=3",), "must be a list of grids"),
        (("nowhere",), "no such folder or file"),
    ],
)
def test_bad_input_is_refused_in_a_line(words: tuple[str, ...], said: str) -> None:
    from bnexp.versus import compare

    with pytest.raises(UserError, match="(?s)" + said.replace("?", r"\?")):
        compare(*words)
