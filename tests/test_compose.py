from pathlib import Path

import pytest

from bnexp.compose import compose, rewrite
from bnexp.errors import UserError


@pytest.mark.parametrize(
    ("typed", "given"),
    [
        ("+model=cnn_bn", "model=cnn_bn"),
        ("model=cnn_bn,mlp", "model=cnn_bn,mlp"),
        ("++data=digits", "data=digits"),
        ("optimizer.lr=0.1", "++optimizer.lr=0.1"),
        ("+optimizer.lr=0.1", "++optimizer.lr=0.1"),
        ("~optimizer.lr", "~optimizer.lr"),
        ("hydra.sweep.dir=x", "hydra.sweep.dir=x"),
        ("hydra/launcher=joblib", "hydra/launcher=joblib"),
        ("--cfg", "--cfg"),
    ],
)
def test_overrides_are_brought_into_hydras_form(typed: str, given: str) -> None:
    assert rewrite([typed]) == [given]


def test_groups_of_the_users_own_configs_stay(tmp_path: Path) -> None:
    (tmp_path / "experiment").mkdir()
    typed = ["--config-dir", str(tmp_path), "+experiment=mine"]
    assert rewrite(["-cd", *typed[1:]]) == ["-cd", *typed[1:]]
    assert rewrite(typed)[-1] == "+experiment=mine"
    assert rewrite([f"hydra.searchpath=[file://{tmp_path}]", "+experiment=mine"])[-1][0] == "+"


def test_plus_and_no_plus_compose_the_same() -> None:
    assert compose(["+model=mlp_bn"]) == compose(["model=mlp_bn"])
    tree, preset = compose(["+model=mlp_bn", "optimizer.lr=0.5", "+seed=3"])
    assert (preset, tree["model"]["norm"]) == ("mlp_bn", "batch")
    assert (tree["optimizer"]["lr"], tree["seed"]) == (0.5, 3)


@pytest.mark.parametrize("override", ["model=nonsense", "seed=[", "seed=${nowhere}", "=3"])
def test_hydras_complaints_are_one_line(override: str) -> None:
    with pytest.raises(UserError) as caught:
        compose([override])
    assert len(caught.value.lines) == 1
    assert "\n" not in caught.value.lines[0]
