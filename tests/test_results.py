"""What we publish: the pages say what the tables beside them say."""

import json
import subprocess
import sys

import pytest

from bnexp.comparisons import names
from bnexp.comparisons.config import load
from tests.conftest import REPOSITORY

RESULTS = REPOSITORY / "results"
LEDGERS = sorted(RESULTS.glob("*/ledger.json"))


def test_the_pages_are_those_that_the_tables_make() -> None:
    script = REPOSITORY / "scripts" / "publish.py"
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_is_not_measured_is_listed_with_its_command() -> None:
    _, _, listed = (RESULTS / "README.md").read_text().partition("## Not measured")
    for path in LEDGERS:
        ledger = json.loads(path.read_text())
        commands = [line for line in listed.splitlines() if f"data={ledger['data']}" in line]
        named = {word for line in commands for word in line.split() if word in names()}
        measured = {row["id"] for row in ledger["rows"] if not row["problem"]}
        trained = {name for name in names() if any("data" not in g for g in load(name).sweep)}
        assert named == trained - measured


def test_there_is_something_to_read() -> None:
    assert LEDGERS


@pytest.mark.parametrize("path", LEDGERS, ids=lambda path: path.parent.name)
def test_a_published_ledger_is_whole(path: object) -> None:
    ledger = json.loads(path.read_text())  # type: ignore[attr-defined]
    assert {row["id"] for row in ledger["rows"]} <= set(names())
    assert ledger["provenance"]["git_commit"]
    assert all(row["summary"] or row["problem"] for row in ledger["rows"])


def test_the_results_are_small() -> None:
    files = [path for path in RESULTS.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 15e6
