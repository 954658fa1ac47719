"""Bad command lines, generated: every one ends in lines and exit code 2, and trains nothing."""

import copy
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from bnexp.cli import run
from bnexp.keys import keys
from tests.conftest import REPOSITORY

KEYS = sorted({key.name for key in keys() if key.name.count(".") <= 2})
BY_KIND = {
    "integer": ["x", "1.5", "true", "[1]", "{}", "{a:1}", "'1'", "-1e3", "nan", "''", "1_0.0"],
    "number": ["x", "true", "[0.1]", "{}", "nan", "inf", "-inf", "'0.1'", "''", "1e999"],
    "boolean": ["x", "2", "[true]", "{}", "'true'", "0.0"],
    "list": ["x", "3", "true", "{}", "{a:1}", "[x]", "[[1]]", "[null]", "''"],
    "string": ["3", "1.5", "true", "[x]", "{}", "{a:b}"],
    "object": ["3", "x", "[1]", "true", "null", "''"],
}
WORDS = st.sampled_from("seed model data lr optimizer sweep zip x 0 1 - mlp null true a.b".split())
SIGNS = st.sampled_from(list("=,()[]{}'\":@~+$\\&|*<>! \t\nö#%^;`"))


def kinds_of(name: str) -> list[str]:
    return [key.kind.split(",")[0].split(" ")[0] for key in keys() if key.name == name]


@st.composite
def wrong_value(draw: st.DrawFn) -> list[str]:
    """A key of the schema with a value of another type."""
    name = draw(st.sampled_from(KEYS))
    kinds = kinds_of(name)
    known = [kind for kind in kinds if kind in BY_KIND]
    value = draw(st.sampled_from(BY_KIND[known[0]])) if known else "@@"
    if not known:
        value = draw(st.sampled_from(["[x]", "{a:1}", "nonsense", "1.5e9"]))
    return [f"{name}={value}"]


@st.composite
def unknown_key(draw: st.DrawFn) -> list[str]:
    """A key that is like one of the schema's and none of them."""
    name = draw(st.sampled_from(KEYS))
    at = draw(st.integers(0, len(name) - 1))
    letter = draw(st.sampled_from("qxz_9"))
    wrong = name[:at] + letter + name[at + draw(st.integers(0, 1)) :]
    plus = draw(st.sampled_from(["", "+", "++"]))
    return [f"{plus}{wrong}={draw(st.sampled_from(['1', 'x', '{}', '[]', '{a:{b:1}}', 'null']))}"]


@st.composite
def broken_grammar(draw: st.DrawFn) -> list[str]:
    """Signs where the grammar has no place for them."""
    key = draw(st.sampled_from([*KEYS, "", "model", "x y", "a=b"]))
    value = draw(st.lists(st.one_of(SIGNS, WORDS), min_size=1, max_size=6).map("".join))
    return [f"{key}={draw(st.sampled_from(['[', '{', '(', ']', '}', ')', ',', ':']))}{value}["]


BROKEN_SWEEPS = (
    """
seed=range(5,0)|seed=range()|seed=range(0,1,0)|seed=range(a,b)|seed=choice()|seed=choice(|seed=0,,1
model=glob(zzz*)|model=glob()|model=glob(3)|model=range(3)|seed=interval(0,1)|seed=interval(1)
seed=sort()|seed=shuffle()|seed=range(0,10000000000)|seed=0,x|seed=0,-1|model=mlp,nonsense|model=3,4
sweep=3|sweep={}|sweep={a:1}|sweep=[3]|sweep=[[]]|sweep=[null]|sweep=null|sweep=x|sweep=[{zip:3}]
sweep=[{zip:[1]}]|sweep=[{zip:{zip:{seed:1}}}]|sweep=[{sweep:[{seed:1}]}]|sweep=[{zip:{sweep:[]}}]
sweep=[{seed:x}]|sweep=[{seed:'range(5,0)'}]|sweep=[{seed:'range('}]|sweep=[{typo:1}]|sweep=[{seed:{}}]
sweep=[{model:null}]|sweep=[{model:[mlp]}]|sweep=[{model:'nonsense'}]|sweep=[{zip:{seed:'0,1',model:mlp}}]
sweep=[{seed:1},{seed:'range(5,0)'}]|sweep=[{'':1}]|sweep=[{'a=b':1}]|sweep=[{'~seed':1}]|foo={}
seed=0,1 training={}|sweep=[{training:{}}]
hydra.sweeper.params=3|hydra.sweeper.params={seed:'range(5,0)'}|hydra.launcher=3|hydra/launcher=nonsense
hydra/sweeper=nonsense|hydra.sweeper=null|hydra=null|hydra=3|hydra.nonsense=1|hydra.searchpath=[/nowhere]
""".replace("\n", "|")
    .strip("|")
    .split("|")
)
BROKEN_FLAGS = (
    """
--nonsense|-x|--cfg|--cfg nonsense|--config-dir|--config-dir=/nowhere|--config-dir /nowhere|-cn
-cn nonsense|--config-name=nonsense|--config-path=/nowhere|-cp /nowhere|--info nonsense|-m --run
--experimental-rerun x|--resolve|--dry-run=3|model|seed|~|~nonsense|~seed|~model|~training|@|+|=
model=|=3|model=[mlp]|model=[mlp,cnn]|model=null|model=3|model={a:1}|data=[digits]|model@x=mlp
+model@x=mlp|model/x=1|training=3|training=null|training=[]|optimizer=[]|seed=${nowhere}|seed=${seed}|training={}
seed=${oc.env:BNEXP_NOTHING}|seed=${oc.decode:x}|seed=${nonsense:x}|seed=${|model.kwargs={}|data.root=/ö
runs_dir=|runs_dir=''|runs_dir=a=b|threads=100000|workers=0|workers=99999|device=gpu|device=cuda:99
seed=0,1|optimizer.learning_rate=1|sweep=[{}]|sweep=[{seed:1}]|model.norm_options.groups=3|model.norm=x
model.widths=[]|model.widths=[0]|training.epochs=0|seed=99999999999|seed=-1|data.batch_size=0
model.kind=rnn|optimizer.name=adam|data.name=synthetic|probes=null|logger.name=x|model.depth=0
""".replace("\n", "|")
    .strip("|")
    .split("|")
)


LINES = st.one_of(
    wrong_value(),
    unknown_key(),
    broken_grammar(),
    st.sampled_from(BROKEN_FLAGS).map(str.split),
    st.sampled_from(BROKEN_SWEEPS).map(lambda line: ["-m", line]),
    wrong_value().map(lambda line: ["-m", "seed=0,1", *line]),
    unknown_key().map(lambda line: ["-m", "sweep=[{seed:'0,1'}]", *line]),
)
GOOD = st.lists(
    st.sampled_from(["model=mlp_bn", "seed=3", "training.max_steps=2", "optimizer=adam"]),
    max_size=2, unique=True,
)  # fmt: skip


def check(good: list[str], bad: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    line = ["train", *good, *bad, "device=cpu"] if "device=" not in str(bad) else ["train", *bad]
    code = run(line)
    said = capsys.readouterr()
    assert code == 2, (shlex.join(line), code, said.out)
    assert said.err.strip(), shlex.join(line)
    assert all(text.startswith("bnexp: ") for text in said.err.splitlines()), said.err
    assert not list(Path().glob("**/run.json")), shlex.join(line)


@seed(0)
@settings(
    max_examples=30, deadline=None, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(GOOD, LINES)
def test_bad_command_lines_are_refused_in_lines(
    capsys: pytest.CaptureFixture[str], good: list[str], bad: list[str]
) -> None:
    check(good, bad, capsys)


@pytest.mark.slow
@settings(
    max_examples=500, deadline=None, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(GOOD, LINES)
def test_five_hundred_bad_command_lines(
    capsys: pytest.CaptureFixture[str], good: list[str], bad: list[str]
) -> None:
    check(good, bad, capsys)


@pytest.mark.slow
@pytest.mark.parametrize("line", [*BROKEN_FLAGS, *(f"-m {sweep}" for sweep in BROKEN_SWEEPS)])
def test_each_known_mistake(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    check([], line.split(), capsys)


@pytest.mark.slow
@pytest.mark.parametrize("line", [*BROKEN_FLAGS[::6], *(f"-m {s}" for s in BROKEN_SWEEPS[::4])])
def test_by_subprocess(line: str) -> None:
    environment: dict[str, Any] = copy.copy(dict(os.environ)) | {"PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(
        [sys.executable, "-m", "bnexp", "train", *line.split()],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2, (done.stdout, done.stderr)
    assert done.stderr.startswith("bnexp: ")
    assert "Traceback" not in done.stderr
