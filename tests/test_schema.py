import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnexp import schema
from bnexp.compose import compose, presets
from bnexp.config import Config
from bnexp.norms.catalogue import NORMS
from bnexp.runs.identity import flatten

BASE, _ = compose([])


def tree_with(key: str, value: Any) -> dict[str, Any]:
    tree = copy.deepcopy(BASE)
    *path, last = key.split(".")
    at = tree
    for part in path:
        at = at.setdefault(part, {})
    at[last] = value
    return tree


@pytest.mark.parametrize("group", ["model", "data", "optimizer", "probes", "logger"])
def test_every_preset_is_valid(group: str) -> None:
    for name in presets(group):
        tree, _ = compose([f"{group}={name}"])
        expected = ["model.name=" if group == "model" else "data.name=module"]
        expected = expected if name == "module" else []
        expected += ["data.root="] if name == "image_folder" else []
        problems = schema.problems(tree)
        assert [line.partition(":")[0] for line in problems] == expected, name


PUBLIC_KEYS = """
compile data.batch_size data.batch_sizes data.crop data.download data.drop_last
data.flip data.jitter data.lengths data.name data.root data.split_seed data.test_rest
data.train_size
deterministic device dry_run exclusive live
logger.name logger.project logger.uri
model.activation model.depth model.dropout model.fc_widths model.init model.init_scale
model.kernel_size model.kind model.norm model.norm_options model.norm_output model.placement
model.weights model.widths on_error optimizer.lr optimizer.momentum optimizer.name
optimizer.weight_decay precision
probes.activations.at probes.activations.end probes.activations.every
probes.companions probes.gradients.at probes.gradients.end probes.gradients.every
probes.histograms.at probes.histograms.end probes.histograms.every probes.norms probes.shift
probes.smoothness probes.updates progress rerun retry runs_dir seed sweep threads
training.accumulate training.checkpoint_seconds training.clip_grad_norm training.ema
training.epochs training.evaluate
training.evaluate_every training.evaluate_samples training.evaluate_train_mode
training.label_smoothing training.lr_gamma
training.lr_schedule training.lr_step_size training.lr_warmup_epochs training.max_steps
training.save_weights workers
""".split()


def test_the_public_keys_are_pinned() -> None:
    assert sorted(flatten(BASE)) == sorted(PUBLIC_KEYS)
    assert set(BASE) == set(Config.model_fields)


@pytest.mark.parametrize(
    ("key", "value", "line"),
    [
        ("optimizer.lrr", 1, "optimizer.lrr=1: unknown key; nearest known key: optimizer.lr"),
        ("optimizr.lr", 1, "optimizr.lr=1: unknown key; nearest known key: optimizer.lr"),
        ("typo", True, "typo=true: unknown key; `bnexp train --cfg job` shows all keys"),
        ("seed", -1, "seed=-1: must be greater than or equal to 0"),
        ("seed", True, "seed=true: must be a valid integer"),
        ("training.epochs", 2.5, "training.epochs=2.5: must be a valid integer"),
        ("optimizer.lr", float("nan"), "optimizer.lr=NaN: must be a finite number"),
        ("optimizer.name", "sdg", "optimizer.name=sdg: must be 'sgd', 'momentum', 'nesterov', "),
        ("model.dropout", 1.0, "model.dropout=1.0: must be less than 1"),
        ("model.widths", [], "model.widths=[]: List must have at least 1 item"),
        ("model.kernel_size", 4, "model.kernel_size=4: must be odd"),
        ("device", "gpu", "device=gpu: must be auto, cpu, cuda, cuda:N or mps"),
        ("model.norm_options", {"x": float("inf")}, 'model.norm_options={"x": Infinity}: must'),
        ("model.norm", "bach", "model.norm=bach: is no normaliser; known are none, batch"),
    ],
)
def test_one_line_says_what_is_wrong_and_what_is_right(key: str, value: Any, line: str) -> None:
    lines = schema.problems(tree_with(key, value))
    assert len(lines) == 1
    assert lines[0].startswith(line)


def test_a_missing_key_is_named() -> None:
    tree = copy.deepcopy(BASE)
    del tree["training"]["epochs"], tree["seed"]
    assert sorted(schema.problems(tree)) == ["seed: missing", "training.epochs: missing"]


@pytest.mark.parametrize("norm", NORMS)
def test_norm_options_are_completed_and_belong_to_their_norm(norm: str) -> None:
    tree = tree_with("model.norm", norm)
    completed, problems = schema.with_defaults(tree)
    assert problems == []
    assert completed["model"]["norm_options"] == NORMS[norm].options().model_dump()
    tree["model"]["norm_options"] = {"colour": 1}
    _, problems = schema.with_defaults(tree)
    assert problems[0].startswith(f"model.norm_options.colour=1: no option of norm {norm};")


def test_an_option_of_another_norm_is_explained() -> None:
    tree = tree_with("model.norm", "layer")
    tree["model"]["norm_options"] = {"groups": 4}
    _, [line] = schema.with_defaults(tree)
    assert "it is one of group)" in line
    assert line.endswith("its options: eps, affine")


def test_a_line_break_in_a_value_stays_on_one_line() -> None:
    [line] = schema.problems(tree_with("compile", "\n"))
    assert line.startswith(r"compile='\n': ")


leaves = st.sampled_from(sorted(flatten(BASE)))
junk = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5),
    st.lists(st.integers(), max_size=3), st.dictionaries(st.text(max_size=3), st.integers()),
)  # fmt: skip


@given(st.dictionaries(leaves, junk, min_size=1, max_size=4), st.text("abcxyz_.", max_size=8))
def test_any_input_gives_a_config_or_lines(values: dict[str, Any], extra: str) -> None:
    tree = copy.deepcopy(BASE)
    for key, value in values.items():
        *path, last = key.split(".")
        at = tree
        for part in path:
            at = at[part]
        at[last] = value
    if extra:
        tree.setdefault(extra, 1)
    tree, problems = schema.with_defaults(tree)
    problems += schema.problems(tree)
    assert all(line.count("\n") == 0 and ":" in line for line in problems)
    if not problems:
        Config.model_validate(tree)
