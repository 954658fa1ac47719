import copy
import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnexp import schema
from bnexp.compose import compose
from bnexp.config import NOT_IDENTITY
from bnexp.plan import plan
from bnexp.runs import identity as module
from bnexp.runs.identity import Traits, flatten, identity

AS_BEFORE = [
    "device=cpu", "training.evaluate=[train,val,test]", "training.evaluate_train_mode=always",
]  # fmt: skip
CONFIG = schema.with_defaults(compose(AS_BEFORE)[0])[0]
OF_FORMAT_1 = "dee96c073d28"  # as the first edition named it


def changed(key: str, value: Any) -> dict[str, Any]:
    config = copy.deepcopy(CONFIG)
    *path, last = key.split(".")
    at = config
    for part in path:
        at = at[part]
    at[last] = value
    return config


@pytest.mark.parametrize("key", sorted(flatten(CONFIG)))
def test_every_key_counts_but_those_that_cannot_change_a_result(key: str) -> None:
    excluded = any(key == name or key.startswith(f"{name}.") for name in NOT_IDENTITY)
    same = identity(changed(key, "cuda" if key == "device" else [123]), "c") == identity(
        CONFIG, "c"
    )
    assert same == excluded


def test_content_counts_and_its_place_does_not() -> None:
    assert identity(CONFIG, "one") != identity(CONFIG, "two")
    assert identity(changed("data.root", "/elsewhere"), "c") == identity(CONFIG, "c")


def test_the_device_type_counts_and_its_number_does_not() -> None:
    one, other = changed("device", "cuda:0"), changed("device", "cuda:1")
    assert identity(one, "c") == identity(other, "c") != identity(CONFIG, "c")


def test_runs_from_before_the_later_keys_stay_the_same() -> None:
    old = copy.deepcopy(CONFIG)
    for key in module.LATER:
        *sections, name = key.split(".")
        at = old
        for section in sections:
            at = at.get(section, {})
        at.pop(name, None)
    assert identity(old, "c") == identity(CONFIG, "c")
    often = {"every": 1, "at": [], "end": True}
    for name in ("shift", "smoothness", "companions"):
        assert identity(changed(f"probes.{name}", often), "c") != identity(CONFIG, "c")


def test_a_later_key_counts_only_away_from_the_old_behaviour(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "LATER", {"training.new": "old"})
    old, new = copy.deepcopy(CONFIG), copy.deepcopy(CONFIG)
    old["training"]["new"], new["training"]["new"] = "old", "new"
    assert identity(old, "c") == identity(CONFIG, "c") != identity(new, "c")


@given(st.randoms())
def test_the_order_of_keys_does_not_count(random: Any) -> None:
    items = list(CONFIG.items())
    random.shuffle(items)
    assert identity(dict(items), "c") == identity(CONFIG, "c")


def test_it_is_the_same_in_another_process() -> None:
    code = (
        "import json,sys; from bnexp.runs.identity import identity;"
        "print(identity(json.load(sys.stdin), 'c')); assert 'torch' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input=json.dumps(CONFIG), capture_output=True, text=True,
        check=True, env={"PYTHONPATH": ":".join(sys.path), "PYTHONHASHSEED": "7"},
    )  # fmt: skip
    assert done.stdout.strip() == identity(CONFIG, "c")


def test_flatten_keeps_empty_mappings_as_values() -> None:
    assert flatten({"a": {"b": {"c": 1}}, "d": {}, "e": None}) == {"a.b.c": 1, "d": {}, "e": None}


def test_zero_is_zero_whatever_its_sign() -> None:
    for key in ("optimizer.weight_decay", "training.lr_warmup_epochs"):
        assert identity(changed(key, 0.0), "c") == identity(changed(key, -0.0), "c")
    plus, minus = ({"betas": [0.0, {"x": 0.0}]}, {"betas": [-0.0, {"x": -0.0}]})
    assert identity(changed("model.norm_options", plus), "c") == identity(
        changed("model.norm_options", minus), "c"
    )


@pytest.mark.parametrize("key", ["optimizer.lr", "model.init_scale", "model.norm_options.eps"])
def test_a_whole_number_is_the_float_that_it_stands_for(key: str) -> None:
    one, other = (
        plan(compose(["device=cpu", "model=mlp_bn", f"{key}={text}"])[0], "mlp_bn").identity
        for text in ("1", "1.0")
    )
    assert one == other


def test_what_no_revision_concerns_keeps_its_identity() -> None:
    assert identity(CONFIG, "c", Traits()) == identity(CONFIG, "c") == OF_FORMAT_1


@pytest.mark.parametrize(
    "traits", [Traits(batch_statistics=True), Traits(uneven=True), Traits(source="a")]
)
def test_a_trait_enters_the_identity(traits: Traits) -> None:
    assert identity(CONFIG, "c", traits) != identity(CONFIG, "c")


def test_a_revision_concerns_those_runs_alone_whose_condition_holds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with_momentum = changed("precision", "fp16")
    with_momentum["optimizer"] |= {"name": "nesterov", "momentum": 0.9}
    half = with_momentum | {"optimizer": {"name": "sgd", "lr": 0.1, "weight_decay": 0.0}}
    whole = with_momentum | {"precision": "fp32"}
    now = [identity(config, "c") for config in (half, with_momentum, whole)]
    monkeypatch.setattr(module, "REVISIONS", {})
    before = [identity(config, "c") for config in (half, with_momentum, whole)]
    assert [a == b for a, b in zip(now, before, strict=True)] == [True, False, True]


def test_the_sources_of_two_models_are_two_runs() -> None:
    assert len({identity(CONFIG, "c", Traits(source=source)) for source in (None, "a", "b")}) == 3
