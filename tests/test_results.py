"""What we publish: every page and verdict follows from the evidence beside it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bnexp.comparisons import names
from bnexp.comparisons.config import load
from bnexp.comparisons.edition import PILOTS
from bnexp.comparisons.evidence import read
from tests.conftest import REPOSITORY

RESULTS = REPOSITORY / "results"
PUBLISHED = [path.parent for path in sorted(RESULTS.glob("*/evidence.csv"))]


def test_the_pages_are_those_that_the_evidence_makes() -> None:
    script = REPOSITORY / "scripts" / "publish.py"
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_there_is_something_to_read() -> None:
    assert PUBLISHED


def test_what_is_not_measured_is_listed_with_its_command() -> None:
    _, _, listed = (RESULTS / "README.md").read_text().partition("## Not measured yet")
    for folder in PUBLISHED:
        data = json.loads((folder / "ledger.json").read_text())["data"]
        commands = [line for line in listed.splitlines() if f"data={data}" in line]
        named = {word for line in commands for word in line.split() if word in names()}
        assert not named & read(folder).keys()


@pytest.mark.parametrize("folder", PUBLISHED, ids=lambda folder: folder.name)
def test_a_published_ledger_is_whole(folder: Path) -> None:
    ledger = json.loads((folder / "ledger.json").read_text())
    assert {row["id"] for row in ledger["rows"]} <= set(names())
    assert ledger["provenance"]["git_commit"]
    assert not ledger["design"]
    assert all(row["summary"] or row["problem"] for row in ledger["rows"])
    for name, evidence in read(folder).items():
        assert evidence.data == ledger["data"]
        if load(name).kind == "training":
            assert all(seed < PILOTS for seed in evidence.seeds), name


def test_the_results_are_small() -> None:
    files = [path for path in RESULTS.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 25e6
