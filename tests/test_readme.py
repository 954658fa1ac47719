"""What the README tells people to type must be right."""

import ast
import json
import re
import shlex
from pathlib import Path

import pytest

from bnexp import schema
from bnexp.cli import COMMANDS
from bnexp.comparisons.cli import FLAGS
from bnexp.comparisons.setting import read_setting
from bnexp.compose import compose
from bnexp.sweep.grids import expand
from bnexp.versus.call import read_call
from tests.conftest import REPOSITORY, Cli

TEXT = (REPOSITORY / "README.md").read_text()
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", TEXT, re.DOTALL)
LINES = [
    shlex.split(line.removeprefix("$ "), comments=True)
    for _, block in BLOCKS
    for line in block.splitlines()
    if line.removeprefix("$ ").startswith("bnexp ")
]
LEDGER = re.search(r"## Reproduce the documented comparisons\n(.*?)\n## ", TEXT, re.DOTALL)
assert LEDGER
COMPARE = re.search(r"## Compare\n(.*?)\n## ", TEXT, re.DOTALL)
assert COMPARE
OTHERS = TEXT.replace(LEDGER[1], "").replace(COMPARE[1], "")
KEYS = re.findall(r"`([a-z_.]+=[^`<]+)`", OTHERS)


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
        assert schema.problems(schema.with_defaults(compose(job)[0])[0]) == []


def test_every_key_is_in_the_schema() -> None:
    for text in KEYS:
        words = [w for w in text.split() if not w.startswith(("hydra", "data.root", "data=image"))]
        assert schema.problems(compose(words)[0]) == [], text


@pytest.mark.parametrize("words", [w for w in LINES if w[1] == "reproduce"], ids=" ".join)
def test_every_ledger_can_be_planned(words: list[str]) -> None:
    own = [word for word in words[2:] if not word.startswith("comparisons=") and word != "C1"]
    setting, flags = read_setting(own)
    assert setting.ids
    assert flags <= set(FLAGS)


@pytest.mark.parametrize("words", [w for w in LINES if w[1] == "compare"], ids=" ".join)
def test_every_comparison_can_be_read(words: list[str], tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    by = words[words.index("--by") + 1] if "--by" in words else None
    call = read_call([word for word in words[2:] if word not in ("--by", by)], by)
    assert call.words or call.sources


def test_the_python_examples_are_python() -> None:
    for code in (block for language, block in BLOCKS if language == "python"):
        ast.parse(code)


def test_the_comparison_of_ones_own_works(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "C1.yaml").write_text(_block("yaml", "rms_minus_layer"))
    (tmp_path / "my_judges.py").write_text(_block("python", "rms_minus_layer"))
    done = cli("reproduce", "C1", "comparisons=.", "preset=quick", "device=cpu")
    assert done.returncode == 0, done.stderr
    [row] = json.loads((tmp_path / "ledger" / "ledger.json").read_text())["rows"]
    assert row["id"] == "C1"
    assert row["runs"] == 2
    assert re.fullmatch(r"RMS norm gains -?\d+\.\d points over layer norm", row["summary"])
    assert "Your comparisons" in (tmp_path / "ledger" / "index.html").read_text()


def _block(language: str, word: str) -> str:
    [found] = [text for kind, text in BLOCKS if kind == language and word in text]
    return found


def test_the_figures_are_there() -> None:
    for path in re.findall(r"!\[[^]]*\]\(([^)]+)\)", TEXT):
        assert (REPOSITORY / path).exists()
