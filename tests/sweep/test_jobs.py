import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bnexp.compose import Composer, compose, rewrite
from bnexp.errors import UserError
from bnexp.sweep import plan_jobs
from bnexp.sweep.jobs import labels, notes
from bnexp.sweep.preview import preview

COMPOSER = Composer()
CHOICES = {
    "model": ["mlp", "mlp_bn", "cnn_gn"],
    "optimizer": ["adam", "sgd"],
    "optimizer.lr": ["0.1", "1e-3"],
    "model.norm_options": ["{eps: 0.1}", "{}"],
    "model.norm_options.eps": ["0.2"],
    "model.widths": ["[3,4]", "[5]"],
    "probes": ["none", "all"],
    "probes.activations.at": ["[0,5]", "null"],
    "probes.histograms": ["null", "{every: 3, at: [], end: true}"],
    "data.root": ["null", "'a b'"],
    "runs_dir": ["${data.name}-runs", "x"],
    "typo.of.mine": ["1"],
}
TYPED = st.lists(
    st.sampled_from(list(CHOICES)).flatmap(
        lambda key: st.sampled_from([f"{key}={value}" for value in CHOICES[key]])
    ),
    max_size=6,
)


@settings(max_examples=12, deadline=None)
@given(TYPED)
def test_the_composer_composes_as_hydra_does(typed: list[str]) -> None:
    overrides = rewrite(typed)
    assert COMPOSER(overrides) == compose(overrides)


def test_deletions_are_left_to_hydra() -> None:
    overrides = ["~optimizer.momentum", "++optimizer.lr=0.5"]
    assert COMPOSER(overrides) == compose(overrides)


def test_every_problem_is_named_once_with_the_jobs_that_have_it() -> None:
    lines = [f"seed={n} optimizer.lr={lr} typo=1".split() for n in (0, 1) for lr in (0.1, -1, -2)]
    with pytest.raises(UserError) as caught:
        plan_jobs([*lines, "seed=9 typo=1 training.epochs=0".split()])
    unknown, *rest = caught.value.lines
    assert unknown.startswith("typo=1: unknown key")
    assert unknown.endswith("(in all 7 jobs)")
    assert [line.partition(":")[0] for line in rest] == [
        "optimizer.lr=-1",
        "optimizer.lr=-2",
        "training.epochs=0",
    ]
    assert rest[0].endswith("(in seed=0 optimizer.lr=-1, seed=1 optimizer.lr=-1)")


def test_the_order_of_overrides_does_not_matter() -> None:
    a, b = plan_jobs([["model=mlp", "seed=1"], ["++seed=1", "model=mlp"]])
    assert a.plan.identity == b.plan.identity


def test_labels_leave_out_what_all_jobs_share() -> None:
    assert labels([["a=1", "++b=2"], ["a=1", "++b=3"]]) == ["b=2", "b=3"]
    assert labels([["a=1", "++b=2"]]) == ["a=1 b=2"]


def test_a_note_is_said_once_for_all_runs_that_it_concerns() -> None:
    shared = ["model=mlp", "device=cpu", "training.lr_schedule=step", "training.epochs=1"]
    jobs = plan_jobs([[*shared, "seed=0"], [*shared, "seed=1"], ["model=mlp", "device=cpu"]])
    [note] = notes(jobs)
    assert note.endswith("  (in 2 of 3 runs)")
    assert notes(jobs[:1]) == [note.removesuffix("  (in 2 of 3 runs)")]
    assert note in preview(jobs, 1, None)
