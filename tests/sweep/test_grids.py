from itertools import product
from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given
from hypothesis import strategies as st

from bnexp.errors import UserError
from bnexp.sweep import expand
from tests.conftest import Cli

NUMBERS = st.lists(st.integers(0, 99), min_size=1, max_size=4)


def plain(jobs: list[list[str]]) -> list[str]:
    return [" ".join(override.lstrip("+") for override in job) for job in jobs]


@given(NUMBERS, NUMBERS)
def test_without_grids_it_is_the_product(seeds: list[int], sizes: list[int]) -> None:
    typed = [f"seed={','.join(map(str, seeds))}", f"data.batch_size={','.join(map(str, sizes))}"]
    expected = [f"seed={a} data.batch_size={b}" for a, b in product(seeds, sizes)]
    assert plain(expand(typed)) == expected


def test_what_sweeps_is_what_hydra_says_sweeps() -> None:
    typed = ["seed=range(0,6,step=2)", "model=choice(mlp,cnn)", "model.widths=[1,2],[3]", "a='x,y'"]
    hydra = OverridesParser.create().parse_overrides(typed)
    lengths = [
        len(list(o.sweep_iterator())) if o.is_sweep_override() else 1  # type: ignore[no-untyped-call]
        for o in hydra
    ]
    assert lengths == [3, 2, 2, 1]
    jobs = plain(expand(typed))
    assert len(set(jobs)) == len(jobs) == 12
    assert jobs[1] == "seed=0 model=mlp model.widths=[3] a='x,y'"


def test_grids_are_united_and_combined_with_what_is_typed() -> None:
    grids = [{"model": "mlp_bn", "model.placement": "before,after"}, {"model": "mlp"}]
    assert plain(expand(["seed=0,1"], grids)) == [
        "model=mlp_bn model.placement=before seed=0",
        "model=mlp_bn model.placement=before seed=1",
        "model=mlp_bn model.placement=after seed=0",
        "model=mlp_bn model.placement=after seed=1",
        "model=mlp seed=0",
        "model=mlp seed=1",
    ]


def test_zipped_keys_advance_together() -> None:
    grid = {"seed": "1,2", "zip": {"data.batch_size": "32,64", "optimizer.lr": "0.1,0.2"}}
    assert plain(expand([], [grid])) == [
        "seed=1 data.batch_size=32 optimizer.lr=0.1",
        "seed=2 data.batch_size=32 optimizer.lr=0.1",
        "seed=1 data.batch_size=64 optimizer.lr=0.2",
        "seed=2 data.batch_size=64 optimizer.lr=0.2",
    ]


def test_what_is_typed_replaces_what_a_grid_says() -> None:
    assert plain(expand(["seed=7"], [{"seed": "1,2,3", "model": "mlp"}])) == ["seed=7 model=mlp"]


def test_values_of_yaml_that_are_not_text() -> None:
    grid = {"model.widths": [8, 4], "model.depth": None, "rerun": True, "optimizer.lr": 0.5}
    expected = ["model.widths=[8,4] model.depth=null rerun=True optimizer.lr=0.5"]
    assert plain(expand([], [grid])) == expected


@pytest.mark.parametrize(
    ("typed", "grids", "complaint"),
    [
        ([], [{"zip": {"seed": "1,2", "optimizer.lr": "1,2,3"}}], "seed has 2, optimizer.lr has 3"),
        ([], ["seed=1"], "maps keys to values"),
        ([], [{"zip": [1]}], "maps keys to values"),
        (["optimizer.lr=interval(0,1)"], [], "only hydra/sweeper=optuna"),
        (["seed=["], [], "seed=["),
    ],
)
def test_complaints(typed: list[str], grids: list[object], complaint: str) -> None:
    with pytest.raises(UserError) as caught:
        expand(typed, grids)  # type: ignore[arg-type]
    assert len(caught.value.lines) == 1
    assert complaint in caught.value.lines[0]


def test_one_syntax_in_yaml_and_on_the_command_line(cli: Cli) -> None:
    grids = (
        '[{model: mlp_bn, model.placement: "before,after", zip: {seed: "1,2", optimizer.lr: "1,2"}}'
        ', {model: "glob(mlp_g*)"}]'
    )
    Path("mine.yaml").write_text(f"defaults: [train, _self_]\nsweep: {grids}\n")
    typed = cli("train", "-m", "--dry-run", f"sweep={grids}", "device=cpu")
    written = cli("train", "-m", "--dry-run", "--config-dir=.", "--config-name=mine", "device=cpu")
    assert typed.returncode == written.returncode == 0, typed.stderr + written.stderr
    assert typed.stdout == written.stdout
    assert "5 runs: 0 done, 5 to train" in typed.stdout
    assert typed.stdout.count("mlp_gn-") == 1
