"""Which cells of `epochs` a run fills, and with what."""

import numpy as np
import pandas as pd
import pytest

import bnexp
from bnexp.training.evaluation import evaluate, subset
from bnexp.training.forward import autocast
from bnexp.training.loop import Interrupted, Training
from bnexp.training.run import run
from tests.training.conftest import Planner

KEYS = ("model=mlp_bn", "training.max_steps=null", "data.train_size=200", "probes=none")
SPLITS = ("train", "val", "test")


def epochs(planned: Planner, *keys: str, runs: str = "runs") -> tuple[pd.DataFrame, dict]:
    done = run(planned(*KEYS, *keys, runs=runs), "", quiet=True)
    return bnexp.load_runs(done.folder).epochs, done.results


def filled(table: pd.DataFrame, mode: str = "") -> list[str]:
    """The splits that were scored, a letter each, by evaluation."""
    columns = {split: table[f"{split}_accuracy{mode}"].notna() for split in SPLITS}
    return ["".join(s[0] + s[1] for s in SPLITS if columns[s][row]) for row in range(len(table))]


def test_by_epoch_only_what_is_asked_for_is_scored(planned: Planner) -> None:
    table, results = epochs(planned, "training.epochs=6")
    best = table["val_accuracy"].idxmax()
    expected = ["trvate", *["va"] * 5, "trvate"]
    expected[best] = expected[best].replace("va", "vate") if best not in (0, 6) else expected[best]
    assert filled(table) == expected
    assert filled(table, "_train_mode") == [*[""] * 6, "trvate"]
    assert results["test_accuracy_at_best"] == table["test_accuracy"][best]
    never, _ = epochs(planned, "training.epochs=2", "training.evaluate_train_mode=never")
    assert filled(never, "_train_mode") == [""] * 3
    none, results = epochs(planned, "training.epochs=2", "training.evaluate=[]")
    assert filled(none) == ["trvate", "", "trvate"]
    assert results["best_epoch"] == 2


def test_what_is_scored_changes_nothing_else(planned: Planner) -> None:
    keys = ("training.epochs=5", "optimizer.lr=0.2")
    everything = ("training.evaluate=[train,val,test]", "training.evaluate_train_mode=always")
    whole, all_results = epochs(planned, *keys, *everything)
    part, results = epochs(planned, *keys)
    assert filled(whole) == filled(whole, "_train_mode") == ["trvate"] * 6
    for name in ("weights_sha256", "best_epoch", "best_val_accuracy", "test_accuracy_at_best"):
        assert results[name] == all_results[name]
    common = part.notna() & ~part.columns.str.startswith("seconds")
    one, other = (table.where(common).drop(columns="run") for table in (part, whole))
    assert np.array_equal(one, other, equal_nan=True)


def test_the_order_in_which_splits_are_typed_does_not_count(planned: Planner) -> None:
    one, other = (planned(f"training.evaluate={s}") for s in ("[test,val]", "[val,test,val]"))
    assert one.identity == other.identity
    assert one.config.training.evaluate == ["val", "test"]


def test_a_large_split_is_represented_before_the_end(planned: Planner) -> None:
    table, results = epochs(planned, "training.epochs=3", "training.evaluate_samples=50")
    counts = table[[f"{split}_accuracy" for split in SPLITS]].dropna().iloc[0] * 50
    assert np.allclose(counts, counts.round(), atol=1e-4)
    whole, _ = epochs(planned, "training.epochs=3", runs="whole")
    assert table.iloc[-1]["test_accuracy"] == whole.iloc[-1]["test_accuracy"]
    best = table["val_accuracy"].idxmax()
    if best:
        assert table["test_accuracy"][best] == results["test_accuracy_at_best"]


def test_the_best_weights_survive_an_interruption(planned: Planner) -> None:
    keys = (*KEYS, "training.epochs=6", "optimizer.lr=0.3", "threads=1")
    whole = run(planned(*keys, runs="whole"), "", quiet=True)
    plan = planned(*keys)
    asked = iter([False] * 11 + [True])
    with pytest.raises(Interrupted):
        run(plan, "", quiet=True, stop=lambda: next(asked))
    resumed = run(plan, "", quiet=True)
    for name in ("best_epoch", "test_accuracy_at_best", "weights_sha256"):
        assert resumed.results[name] == whole.results[name]


def test_a_subset_is_scored_as_by_hand(planned: Planner) -> None:
    from bnexp.runs.record import Record
    from bnexp.training.progress import Progress

    plan = planned("model=mlp_bn", "training.evaluate_samples=50", "probes=none")
    record = Record(plan.runs_dir / "x", {"identity": "", "preset": "", "provenance": {}})
    training = Training(plan, record, Progress(None, quiet=True), lambda: False)
    scores = training.scoring.score(training.model, "start")
    split = subset(training.splits["val"], 50)
    loss, accuracy = evaluate(training.model, split, autocast(training.device, "fp32")).tolist()
    assert (scores["val_loss"], scores["val_accuracy"]) == (loss, accuracy)
