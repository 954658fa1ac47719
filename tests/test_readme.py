"""What the README tells people to type must be right."""

import ast
import re
import shlex

import pytest

from bnexp import schema
from bnexp.cli import COMMANDS
from bnexp.compose import compose
from bnexp.sweep.grids import expand
from tests.conftest import REPOSITORY

TEXT = (REPOSITORY / "README.md").read_text()
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", TEXT, re.DOTALL)
LINES = [
    shlex.split(line.removeprefix("$ "), comments=True)
    for _, block in BLOCKS
    for line in block.splitlines()
    if line.removeprefix("$ ").startswith("bnexp ")
]
KEYS = re.findall(r"`([a-z_.]+=[^`<]+)`", TEXT)


def test_there_are_commands_to_check() -> None:
    assert len(LINES) > 12
    assert len(KEYS) > 10


@pytest.mark.parametrize("words", LINES, ids=" ".join)
def test_every_command_is_known(words: list[str]) -> None:
    assert words[1] in COMMANDS


@pytest.mark.parametrize("words", [w for w in LINES if w[1] == "train"], ids=" ".join)
def test_every_run_can_be_composed(words: list[str]) -> None:
    overrides = [word for word in words[2:] if word not in ("-m", "--dry-run")]
    grids = [word for word in overrides if word.startswith("sweep=")]
    typed = [word for word in overrides if word not in grids]
    union = compose(grids)[0]["sweep"] if grids else []
    jobs = expand(typed, union) if "-m" in words else [typed]
    for job in jobs:
        assert schema.problems(schema.complete(compose(job)[0])[0]) == []


def test_every_key_is_in_the_schema() -> None:
    for text in KEYS:
        words = [w for w in text.split() if not w.startswith(("hydra", "data.root", "data=image"))]
        assert schema.problems(compose(words)[0]) == [], text


def test_the_python_example_is_python() -> None:
    [code] = [block for language, block in BLOCKS if language == "python"]
    ast.parse(code)


def test_the_figures_are_there() -> None:
    for path in re.findall(r"!\[[^]]*\]\(([^)]+)\)", TEXT):
        assert (REPOSITORY / path).exists()
