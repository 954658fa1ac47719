import shlex
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hydra import version

from bnexp.arguments import as_recorded, config_folders, parse
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
        ("runs_dir=~/x", "++runs_dir='~/x'"),
    ],
)
def test_overrides_are_brought_into_hydras_form(typed: str, given: str) -> None:
    assert rewrite([typed]) == [given]


def test_groups_of_the_users_own_configs_stay(tmp_path: Path) -> None:
    (tmp_path / "experiment").mkdir()
    for flags in (["-cd", str(tmp_path)], [f"hydra.searchpath=[file://{tmp_path}]"]):
        folders = config_folders(parse([*flags, "+experiment=mine"]))
        assert rewrite(["+experiment=mine"], folders) == ["+experiment=mine"]
    assert rewrite(["+experiment=mine"]) == ["++experiment=mine"]


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


def test_what_comes_from_the_environment_is_read_as_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BNEXP_SEED", "7")
    monkeypatch.setenv("BNEXP_RATE", "1e-3")
    seed = "${oc.env:BNEXP_SEED}"
    rest = ["optimizer.lr=${oc.env:BNEXP_RATE}", "data.train_size=${oc.env:BNEXP_NONE,null}"]
    tree, _ = compose([f"seed={seed}", f"logger.project={seed}", *rest])
    assert (tree["seed"], tree["optimizer"]["lr"], tree["data"]["train_size"]) == (7, 1e-3, None)
    assert tree["logger"]["project"] == "7"  # text is due


def test_composing_leaves_hydras_state_as_it_was() -> None:
    """https://github.com/facebookresearch/hydra/issues/3399"""
    from hydra import initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra
    from hydra.core.hydra_config import HydraConfig

    with initialize_config_dir(version_base=None, config_dir=str(Path(__file__).parent)):
        theirs = GlobalHydra.instance().hydra, HydraConfig.instance().cfg, version.getbase()
        assert compose(["model=mlp"])[1] == "mlp"
        with pytest.raises(UserError):
            compose(["model=nonsense"])
        assert theirs == (
            GlobalHydra.instance().hydra,
            HydraConfig.instance().cfg,
            version.getbase(),
        )


def test_composing_in_four_threads_at_once() -> None:
    """https://github.com/facebookresearch/hydra/issues/3399"""
    streams = sys.stdout, sys.stderr
    with ThreadPoolExecutor(4) as pool:
        seeds = list(pool.map(lambda seed: compose([f"seed={seed}"])[0]["seed"], range(12)))
    assert seeds == list(range(12))
    assert (sys.stdout, sys.stderr) == streams


@pytest.mark.parametrize(
    ("typed", "recorded"),
    [
        ("runs_dir=/home/ada/x", "runs_dir=x"),
        ("--config-dir /home/ada/conf -m", "--config-dir conf -m"),
        ("--config-dir=/home/ada/conf", "--config-dir=conf"),
        ("hydra/launcher=joblib", "hydra/launcher=joblib"),
        ("logger.uri=https://ada:secret@host/of/mine", "logger.uri=mine"),
        ("logger.uri=http://ada:se,cret@host:5000/", "logger.uri=host:5000"),
        ("logger.uri=mysql+pymysql://ada:secret@host/db?password=x", "logger.uri=db"),
        ("logger.uri=sqlite:////home/ada/x.db", "logger.uri=x.db"),
        ("hydra.searchpath=[file:///home/ada,pkg://x.y]", "'hydra.searchpath=[ada,x.y]'"),
        ("'sweep=[{data.root: /home/ada/x, seed: 1}]'", "'sweep=[{data.root:x, seed: 1}]'"),
        ("'data.root=\"/home/Ada L/x\"'", "'data.root=\"x\"'"),
    ],
)
def test_the_recorded_command_is_what_was_typed_less_folders(typed: str, recorded: str) -> None:
    assert as_recorded("train", shlex.split(typed)) == f"bnexp train {recorded}"
