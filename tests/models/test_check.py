import subprocess
import sys
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from bnexp.config import Model
from bnexp.errors import UserError
from bnexp.models import build_model
from bnexp.models.check import check_lengths, check_model
from bnexp.norms.catalogue import NORMS
from tests.conftest import REPOSITORY
from tests.models.configure import configure

IMAGE = (1, 8, 8)
TRANSFORMER = {"norm": "instance", "patch": 8}
GROUPS = "must divide the channels of every normalised layer"


@pytest.mark.parametrize(
    ("preset", "keys", "shape", "line"),
    [
        ("cnn", {}, (1000,), "model.kind=cnn: reads images, and a sample is [1000]"),
        ("rnn", {}, (1000,), "model.kind=rnn: reads images, and a sample is [1000]"),
        ("torchvision", {}, (9,), "model.kind=torchvision: reads images, and a sample is [9]"),
        ("torchvision", {}, (5, 8, 8), "model.kind=torchvision: images of 5 channels; it takes 1"),
        ("torchvision", {"norm_options": {"eps": 1}}, IMAGE, "model.norm_options={'eps': 1}: norm"),
        ("mlp", {"norm": "recurrent_batch"}, IMAGE, "model.norm=recurrent_batch: is for recurrent"),
        ("mlp", {"norm": "instance"}, IMAGE, "model.norm=instance: normalises over space"),
        ("rnn", {"norm": "instance"}, IMAGE, "model.norm=instance: normalises over space"),
        ("cnn_in", {}, (1, 4, 4), "model.norm=instance: some layer has one value per sample"),
        ("cnn_in", {"norm_output": True}, IMAGE, "model.norm=instance: some layer has one value"),
        ("mlp", {"norm": "weight", "placement": "after"}, IMAGE, "model.placement=after: norm wei"),
        (
            "transformer",
            TRANSFORMER,
            IMAGE,
            "model.norm=instance: some layer has one value per sam",
        ),
        (
            "transformer",
            {"heads": 5},
            IMAGE,
            "model.heads=5: must divide model.width=64; 1, 2, 4, 8, 16, 32, 64 would do",
        ),
        (
            "transformer",
            {"patch": 5},
            (1, 28, 28),
            "model.patch=5: must divide the sides of images of 28x28; 1, 2, 4, 7, 14, 28 would do",
        ),
        (
            "resnet",
            {"depth": 10},
            IMAGE,
            "model.depth=10: 3 stages make 6n + 2 layers; 8 or 14 would do",
        ),
        ("resnet", {"norm": "weight", "placement": "after"}, IMAGE, "model.placement=after: norm"),
        ("resnet", {"norm": "instance"}, (1, 4, 4), "model.norm=instance: some layer has one valu"),
        (
            "mlp_ln",
            {"widths": [8, 1]},
            IMAGE,
            "model.norm=layer: some layer has one value per sample",
        ),
        ("rnn_ln", {"placement": "after"}, IMAGE, "model.placement=after: an rnn normalises"),
        (
            "rnn",
            {"norm": "my.Norm", "placement": "after"},
            IMAGE,
            "model.placement=after: an rnn normalises",
        ),
        (
            "mlp_gn",
            {"norm_options": {"groups": 7}},
            IMAGE,
            f"model.norm_options.groups=7: {GROUPS} (256, 128, 64); 1, 2, 4, 8, 16, 32 would do",
        ),
        (
            "cnn_gn",
            {"norm_options": {"groups": 32}, "fc_widths": [48]},
            IMAGE,
            f"model.norm_options.groups=32: {GROUPS} (64, 128, 256, 48); 1, 2, 4, 8, 16 would do",
        ),
        (
            "mlp_gn",
            {"norm_output": True},
            IMAGE,
            f"model.norm_options.groups=8: {GROUPS} (256, 128, 64, 10); 1, 2 would do",
        ),
        (
            "mlp_gn",
            {"norm_options": {"groups": 64}},
            IMAGE,
            "model.norm_options.groups=64: must leave more than one value to a group in every "
            "normalised layer (256, 128, 64); 1, 2, 4, 8, 16, 32 would do",
        ),
        ("mlp_gn", {"widths": [1]}, IMAGE, f"model.norm_options.groups=8: {GROUPS} (1); wider lay"),
    ],
)
def test_what_no_batch_size_solves(
    preset: str, keys: dict[str, Any], shape: tuple[int, ...], line: str
) -> None:
    model = configure(preset, **keys)
    [found] = check_model(model, shape, 10, 64, 64)
    assert found.startswith(line)
    with pytest.raises(UserError) as error:
        build_model(model, shape, 10)
    assert error.value.lines == [found]


ONE = "data.batch_size=1: norm"
LAST = "data.batch_size=9: the last batch of an epoch is one sample"


@pytest.mark.parametrize(
    ("preset", "keys", "shape", "sizes", "line"),
    [
        ("mlp_bn", {}, IMAGE, (1, 1), ONE),
        ("mlp_bn", {}, IMAGE, (9, 1), LAST),
        ("mlp_bn", {}, IMAGE, (2, 2), None),
        ("mlp_ln", {}, IMAGE, (1, 1), None),
        ("mlp", {"norm": "batch_renorm"}, IMAGE, (1, 1), ONE),
        ("cnn_bn", {}, IMAGE, (9, 1), LAST),  # its hidden linear layer
        ("convnet_28_bn", {}, IMAGE, (1, 1), None),  # has none
        ("convnet_28_bn", {"norm_output": True}, IMAGE, (1, 1), ONE),
        ("convnet_28_bn", {"depth": 5}, IMAGE, (1, 1), ONE),  # convolutions of one place
        ("convnet_28_bn", {"depth": 3}, IMAGE, (1, 1), None),
        ("rnn_bn", {}, IMAGE, (1, 1), None),  # eight steps
        ("resnet_bn", {}, IMAGE, (1, 1), None),
        ("resnet_bn", {}, (1, 4, 4), (1, 1), ONE),
        ("transformer_bn", {}, IMAGE, (1, 1), None),  # sixteen tokens
        ("transformer_bn", {"patch": 8}, IMAGE, (1, 1), ONE),
        ("transformer_bn", {"patch": 8, "pooling": "cls"}, IMAGE, (1, 1), None),
        ("rnn_bn", {}, (8, 1), (1, 1), ONE),
        ("lstm_bn", {}, IMAGE, (1, 1), None),
        ("lstm_rbn", {}, IMAGE, (1, 1), ONE),
        ("rnn", {"norm": "recurrent_batch"}, IMAGE, (1, 1), ONE),
        ("mlp", {"norm": "ghost", "norm_options": {"ghost_size": 1}}, IMAGE, (4, 4), "model.norm_"),
        ("mlp", {"norm": "ghost", "norm_options": {"ghost_size": 2}}, IMAGE, (4, 4), None),
        ("mlp", {"norm": "ghost", "norm_options": {"ghost_size": 2}}, IMAGE, (4, 3), "model.norm_"),
        ("mlp", {"norm": "ghost", "norm_options": {"ghost_size": 3}}, IMAGE, (4, 4), None),  # 2, 2
        ("mlp", {"norm": "ghost"}, IMAGE, (1, 1), ONE),
    ],
)
def test_one_value_has_no_variance(
    preset: str,
    keys: dict[str, Any],
    shape: tuple[int, ...],
    sizes: tuple[int, int],
    line: str | None,
) -> None:
    model = configure(preset, **keys)
    found = check_model(model, shape, 10, *sizes)
    net = build_model(model, shape, 10)
    if line is None:
        assert found == []
        for size in sizes:
            net(torch.randn(size, *shape))
        return
    assert len(found) == 1
    assert found[0].startswith(line)
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        net(torch.randn(min(sizes), *shape))


def test_a_ghost_of_one_in_batches_that_vary_or_evaluate() -> None:
    model = configure("mlp", norm="ghost", norm_options={"ghost_size": 2})
    assert check_model(model, IMAGE, 10, 4, 4, {0, 1, 2, 6}) == []  # one sample is left out there
    [line] = check_model(model, IMAGE, 10, 4, 4, {3})
    assert line.startswith("model.norm_options.ghost_size=2: a batch of 3 has a ghost of one")
    conv = configure("convnet_28_bn", norm="ghost", norm_options={"ghost_size": 2})
    assert check_model(conv, IMAGE, 10, 4, 4, {3}) == []


def test_the_planner_knows_all_sizes_of_batches() -> None:
    from bnexp import schema
    from bnexp.compose import compose
    from bnexp.plan import plan

    ghosts = ("model=mlp", "model.norm=ghost", "model.norm_options.ghost_size=2")
    for typed, line in [
        ("data.batch_sizes=[2,4]", "a batch of 3 has a ghost of one sample"),
        ("data.batch_size=301", "a batch of 217 has a ghost of one sample"),  # all of validation
    ]:
        tree, preset = compose([*ghosts, "data.drop_last=true", typed])
        tree, _ = schema.with_defaults(tree)
        with pytest.raises(UserError, match=line):
            plan(tree, preset)


@st.composite
def models(draw: st.DrawFn) -> tuple[Any, tuple[int, ...]]:
    kind = draw(st.sampled_from(["mlp", "cnn", "rnn", "lstm", "transformer", "resnet"]))
    norm = draw(st.sampled_from(sorted(NORMS)))
    width = st.sampled_from([1, 2, 3, 8])
    keys: dict[str, Any] = {
        "kind": kind,
        "activation": "tanh",
        "norm": norm,
        "norm_options": {},
        "weights": None,
        "norm_output": draw(st.booleans()),
        "init": "he",
        "init_scale": 1.0,
        "dropout": 0.0,
    }
    for name in ("groups", "ghost_size"):
        if name in NORMS[norm].options.model_fields and draw(st.booleans()):
            keys["norm_options"] = {name: draw(st.integers(1, 8))}
    if kind == "resnet":
        keys |= {
            "widths": draw(st.lists(width, min_size=1, max_size=2)),
            "depth": draw(st.integers(1, 10)),
            "placement": draw(st.sampled_from(["before", "after", "pre"])),
            "residual": draw(st.booleans()),
        }
    elif kind == "transformer":
        keys |= {
            "width": draw(width),
            "depth": draw(st.integers(1, 2)),
            "heads": draw(st.integers(1, 2)),
            "patch": draw(st.integers(1, 2)),
            "mlp_ratio": draw(st.floats(0.1, 2)),
            "placement": draw(st.sampled_from(["pre", "post"])),
            "pooling": draw(st.sampled_from(["mean", "cls"])),
        }
    else:
        keys |= {
            "widths": draw(st.lists(width, min_size=1, max_size=2)),
            "depth": draw(st.none() | st.integers(1, 4)),
            "placement": draw(st.sampled_from(["before", "after"])),
        }
    if kind == "cnn":
        keys |= {"kernel_size": 3, "fc_widths": draw(st.lists(width, max_size=1))}
    shape = draw(st.lists(st.integers(1, 5), min_size=1, max_size=3))
    return TypeAdapter(Model).validate_python(keys), tuple(shape)


@settings(deadline=None, max_examples=300)
@given(models(), st.integers(1, 5), st.integers(1, 5))
def test_what_passes_the_check_trains(drawn: Any, size: int, other: int) -> None:
    model, shape = drawn
    smallest = min(size, other)
    if check_model(model, shape, 2, size, smallest):
        return
    net = build_model(model, shape, 2)
    for batch_size in (size, smallest):
        assert net(torch.randn(batch_size, *shape)).shape == (batch_size, 2)


@pytest.mark.parametrize(
    ("preset", "keys", "line"),
    [
        ("mlp_bn", {}, "data.lengths: model.kind=mlp takes whole samples; use model=rnn or lstm"),
        ("transformer", {}, "data.lengths: model.kind=transformer takes whole samples"),
        ("lstm", {"norm": "ghost"}, "data.lengths: norm ghost is of whole sequences; use batch"),
        ("lstm_bn", {}, None),
        ("rnn", {"norm": "my.Norm"}, None),
        ("module", {"name": "my.Net"}, None),
    ],
)
def test_who_reads_sequences_of_varying_length(
    preset: str, keys: dict[str, Any], line: str | None
) -> None:
    found = check_lengths(configure(preset, **keys))
    assert [x[: len(line or x)] for x in found] == ([] if line is None else [line])


@pytest.mark.parametrize("options", [{"groups": "x"}, {"groups": 0}, {"colour": 1}])
def test_options_that_are_none_are_the_schemas_to_refuse(options: dict[str, Any]) -> None:
    for norm in ("group", "ghost"):
        assert check_model(configure("mlp", norm=norm, norm_options=options), IMAGE, 10, 3, 2) == []


def test_the_check_needs_no_torch() -> None:
    code = "import sys, bnexp.models.check; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=True)
