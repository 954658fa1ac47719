import json
from pathlib import Path

import pytest

from bnexp.errors import UserError
from bnexp.norms.catalogue import NORMS
from bnexp.report.arms import find_arms
from bnexp.report.shortlist import MOST, shortlist
from bnexp.report.statistics import contrast
from bnexp.report.style import look
from bnexp.runs.tables import load_runs
from tests.report.records import write_run


def test_runs_that_differ_in_seed_only_are_one_arm(tmp_path: Path) -> None:
    for seed in range(3):
        write_run(tmp_path, "batch", seed)
    (arm,) = find_arms(tmp_path)
    assert arm.label == "batch norm"
    assert list(arm.runs["seed"]) == [0, 1, 2]


def test_runs_that_differ_in_their_split_seed_are_one_arm(tmp_path: Path) -> None:
    for seed in range(3):
        write_run(tmp_path, "batch", seed, data__split_seed=seed)
    (arm,) = find_arms(tmp_path)
    assert list(arm.runs["data.split_seed"]) == [0, 1, 2]


def test_what_differs_is_the_label_in_the_order_of_norms(sweep: Path) -> None:
    arms = find_arms(sweep)
    assert [arm.label for arm in arms][:4] == [
        "no norm, lr 0.01", "no norm, lr 0.1", "no norm, lr 1", "batch norm, lr 0.01",
    ]  # fmt: skip
    assert len(arms) == 9
    assert {len(arm.runs) for arm in arms} == {3}


def test_what_load_runs_returns_serves_as_well(sweep: Path) -> None:
    assert [a.label for a in find_arms(load_runs(sweep))] == [a.label for a in find_arms(sweep)]


def test_outcomes_are_counted_apart(sweep: Path) -> None:
    arm = next(arm for arm in find_arms(sweep) if arm.label == "no norm, lr 1")
    assert (len(arm.trained), len(arm.diverged), len(arm.untrained)) == (0, 2, 1)
    assert arm.counted == "no norm, lr 1 (0 of 3 trained, 2 diverged, 1 not trained)"


def test_failed_runs_are_missing_in_their_arm(tmp_path: Path) -> None:
    for seed in range(3):
        write_run(tmp_path, "none", seed)
        write_run(tmp_path, "batch", seed, status="failed" if seed == 1 else "done")
    write_run(tmp_path, "layer", 0)
    none, batch, layer = find_arms(tmp_path)
    assert (none.missing, batch.missing, layer.missing) == (0, 1, 2)
    assert batch.counted == "batch norm (n = 2, 1 missing)"


def test_keys_that_follow_from_another_are_no_part_of_a_label(tmp_path: Path) -> None:
    write_run(tmp_path, "none", 0)
    write_run(tmp_path, "group", 0)
    write_run(tmp_path, "batch", 0)
    assert [arm.label for arm in find_arms(tmp_path)] == ["no norm", "batch norm", "group norm"]


def test_options_that_differ_within_a_norm_are(tmp_path: Path) -> None:
    write_run(tmp_path, "none", 0)
    for eps in (1e-5, 1e-3):
        options = {"eps": eps, "affine": True, "momentum": 0.1, "track_running_stats": True}
        write_run(tmp_path, "batch", 0, model__norm_options=options)
    labels = [arm.label for arm in find_arms(tmp_path)]
    assert labels[1:] == ["batch norm, eps 1e-05", "batch norm, eps 0.001"]


def test_unset_and_a_number_are_two_arms(tmp_path: Path) -> None:
    write_run(tmp_path, "batch", 0, model__depth=None)
    write_run(tmp_path, "batch", 0, model__depth=10)
    assert [arm.label for arm in find_arms(tmp_path)] == ["depth unset", "depth 10"]


def test_a_kind_of_model_stands_for_what_is_its_own(tmp_path: Path) -> None:
    for norm in ("none", "batch"):
        write_run(tmp_path, norm, 0, preset="same")
        write_run(tmp_path, norm, 0, preset="same", model__kind="rnn", model__widths=[128])
    labels = [arm.label for arm in find_arms(tmp_path)]
    assert labels == ["no norm, mlp", "no norm, rnn", "batch norm, mlp", "batch norm, rnn"]


def test_what_differs_together_with_the_norm_is_said(tmp_path: Path) -> None:
    write_run(tmp_path, "none", 0, optimizer__lr=0.01)
    write_run(tmp_path, "batch", 0, optimizer__lr=0.1)
    assert [a.label for a in find_arms(tmp_path)] == ["no norm, lr 0.01", "batch norm, lr 0.1"]


def test_by_pools_the_rest_and_says_so(tmp_path: Path) -> None:
    for epochs in (2, 3):
        write_run(tmp_path, "batch", 0, epochs=epochs)
        write_run(tmp_path, "none", 0, epochs=epochs)
    arms = shortlist(find_arms(tmp_path, by=["model.norm"]))
    assert [arm.label for arm in arms] == ["no norm", "batch norm"]
    assert arms.notes == ("Pooled over epochs: n counts runs, not seeds.",)


def test_many_arms_are_cut_to_the_best_rate_by_validation(sweep: Path) -> None:
    arms = find_arms(sweep)
    assert len(arms) > MOST
    short = shortlist(arms)
    assert [arm.values["model.norm"] for arm in short] == ["none", "batch", "layer"]
    assert short.notes == ("Each arm at its best learning rate by validation accuracy.",)
    for arm in short:
        rivals = [a for a in arms if a.values["model.norm"] == arm.values["model.norm"]]
        means = [a.trained["val_accuracy"].mean() for a in rivals if len(a.trained) == 3]
        assert arm.trained["val_accuracy"].mean() == max(means)
    assert shortlist(short) is short


def test_a_rate_at_which_runs_were_lost_is_not_the_best(tmp_path: Path) -> None:
    for norm in ("none", "batch", "layer", "group", "rms"):
        for seed in range(3):
            write_run(tmp_path, norm, seed, optimizer__lr=0.1)
            outcome = "trained" if seed == 0 else "diverged"
            write_run(tmp_path, norm, seed, optimizer__lr=1.0, outcome=outcome)
    short = shortlist(find_arms(tmp_path))
    assert {value for arm in short for value in arm.runs["optimizer.lr"]} == {0.1}


def test_where_and_unknown_keys(sweep: Path) -> None:
    assert len(find_arms(sweep, where=["model.norm=batch", "optimizer.lr<1"])) == 2
    with pytest.raises(UserError, match="none of 27 runs meets this"):
        find_arms(sweep, where=["model.norm=spectral"])
    with pytest.raises(UserError, match=r"did you mean model\.norm"):
        find_arms(sweep, by=["model.nrom"])


def test_no_runs(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no run"):
        find_arms(tmp_path)
    with pytest.raises(UserError, match="no such folder"):
        find_arms(tmp_path / "nowhere")


def test_a_norm_looks_the_same_in_every_figure(sweep: Path, two_arms: Path) -> None:
    alone = {arm.values["model.norm"]: arm.look for arm in find_arms(two_arms)}
    among = {arm.values["model.norm"]: arm.look for arm in shortlist(find_arms(sweep))}
    assert alone["batch"] == among["batch"] == look("batch")


def test_no_two_norms_share_colour_and_marker() -> None:
    looks = [look(norm) for norm in NORMS]
    assert len({one.color for one in looks}) == len(looks)
    assert len({one.marker for one in looks}) == len(looks)
    shades = [look("batch", place, 5) for place in range(5)]
    assert len({one.color for one in shades}) == len({one.marker for one in shades}) == 5


def test_runs_of_one_seed_on_several_splits_are_paired_by_both(tmp_path: Path) -> None:
    for split in range(3):
        write_run(tmp_path, "none", 0, data__split_seed=split)
        if split:
            write_run(tmp_path, "batch", 0, data__split_seed=split)
    none, batch = find_arms(tmp_path)
    assert list(none.by_seed("test_accuracy").index) == [(0, 0), (0, 1), (0, 2)]
    assert contrast(batch.by_seed("test_accuracy"), none.by_seed("test_accuracy")).n == 2
    assert (none.missing, batch.missing) == (0, 1)


def test_a_seed_without_a_split_of_its_own_pairs_with_none_that_has_one(tmp_path: Path) -> None:
    write_run(tmp_path, "none", 0)
    write_run(tmp_path, "batch", 0, data__split_seed=0)
    none, batch = find_arms(tmp_path)
    assert contrast(batch.by_seed("test_accuracy"), none.by_seed("test_accuracy")).n == 0


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"revisions": ["accumulate_by_sample"]}, "revisions accumulate_by_sample"),
        ({"source": "0123456789ab"}, "source 01234567"),
        ({"weights": "0123456789ab"}, "weights content 01234567"),
        ({"content": "0123456789ab"}, "content 01234567"),
    ],
)
def test_what_the_configuration_does_not_say_tells_runs_apart(
    change: dict[str, object], told: str, tmp_path: Path
) -> None:
    """Numbers before and after a correction, of edited nets, of other weights or images."""
    for seed in range(2):
        write_run(tmp_path / "old", "batch", seed)
        amend_header(write_run(tmp_path / "new", "batch", seed), change)
    first, second = find_arms(load_runs(tmp_path / "old", tmp_path / "new"))
    assert (len(first.runs), len(second.runs)) == (2, 2)
    assert told in {first.label, second.label}


def test_it_is_no_key_where_the_configuration_says_enough(tmp_path: Path) -> None:
    write_run(tmp_path, "none", 0)
    amend_header(write_run(tmp_path, "batch", 0), {"revisions": ["train_mode_permuted"]})
    assert "revisions" not in find_arms(tmp_path).keys


def amend_header(folder: Path, change: dict[str, object]) -> None:
    """Rewrite a record as that of another run."""
    header = json.loads((folder / "run.json").read_text()) | change
    name = format(int(header["identity"], 16) ^ 1, "012x")
    (folder / "run.json").write_text(json.dumps(header | {"identity": name}))
    folder.rename(folder.with_name(f"{header['preset']}-{name}"))
