"""Tables of many runs, parsed together."""

import random
from pathlib import Path

import pytest

import bnexp
from bnexp.runs import tables
from bnexp.runs.record import COLUMNS
from tests.runs.records import make


@pytest.mark.parametrize("files", [1, 3, 500])
def test_many_runs_are_read_exactly_and_in_order(
    files: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "FILES", files)
    rng = random.Random(0)
    written = []
    for number in range(8):
        name = f"{number:012d}"
        rows = [(step, 1, rng.expovariate(1e-3), None, 1.0) for step in range(number)]
        make(tmp_path, name, tables={"steps": rows})  # the first has no steps
        written += [(name, *row) for row in rows]
    read = bnexp.load_runs(tmp_path).steps
    assert list(read.columns) == ["run", *COLUMNS["steps"]]
    found = read.astype(object).where(read.notna(), None)
    assert [tuple(row) for row in found.itertuples(index=False)] == written
    assert read["step"].dtype == "int64"
    assert read["lr"].dtype == "float64"


def test_layers_called_by_numbers_are_text(tmp_path: Path) -> None:
    make(tmp_path, "a" * 12, tables={"measures": [(0, "0", "n", 1.5), (0, "1", "n", 2.5)]})
    make(tmp_path, "b" * 12, tables={"measures": [(0, 'head, "last"', "n", 3.5)]})
    assert list(bnexp.load_runs(tmp_path).measures["layer"]) == ["0", "1", 'head, "last"']


def test_a_damaged_file_costs_its_own_run_that_table_and_is_said(tmp_path: Path) -> None:
    first, second, third = (
        make(tmp_path, letter * 12, tables={"measures": [(0, "l", "n", value)]}).folder
        for letter, value in (("a", 1.5), ("b", 2.5), ("c", 3.5))
    )
    (second / "measures.csv").write_text("step,extra\n7,0.25\n")
    (third / "measures.csv").write_text("step,layer,name,value\n0,l,n,3.5")  # cut at its end
    loaded = bnexp.load_runs(tmp_path)
    assert list(loaded.measures["run"]) == [first.name[-12:]]
    skipped = dict(zip(loaded.skipped["folder"], loaded.skipped["reason"], strict=True))
    assert skipped == {
        str(second): "measures.csv has other columns than this version writes",
        str(third): "measures.csv is cut off",
    }
