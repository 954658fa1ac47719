"""Tables of many runs, parsed together."""

import random
from pathlib import Path

import pandas as pd
import pytest

import bnexp
from bnexp.runs import tables
from bnexp.runs.record import COLUMNS, Record


def make(runs_dir: Path, identity: str, **rows: list[tuple[object, ...]]) -> Path:
    record = Record(runs_dir / f"p-{identity}", {"identity": identity, "preset": "p"})
    record.header["provenance"] = {}
    record.start({})
    record.tables |= rows
    record.flush()
    record.mark("done")
    return record.folder


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
        make(tmp_path, name, steps=rows)  # the first has no steps
        written += [(name, *row) for row in rows]
    read = bnexp.load_runs(tmp_path).steps
    assert list(read.columns) == ["run", *COLUMNS["steps"]]
    found = read.astype(object).where(read.notna(), None)
    assert [tuple(row) for row in found.itertuples(index=False)] == written
    assert read["step"].dtype == "int64"
    assert read["lr"].dtype == "float64"


def test_layers_called_by_numbers_are_text(tmp_path: Path) -> None:
    make(tmp_path, "a" * 12, measures=[(0, "0", "n", 1.5), (0, "1", "n", 2.5)])
    make(tmp_path, "b" * 12, measures=[(0, 'head, "last"', "n", 3.5)])
    assert list(bnexp.load_runs(tmp_path).measures["layer"]) == ["0", "1", 'head, "last"']


def test_files_with_other_columns_keep_their_values(tmp_path: Path) -> None:
    _, second, third = (
        make(tmp_path, letter * 12, measures=[(0, "l", "n", value)])
        for letter, value in (("a", 1.5), ("b", 2.5), ("c", 3.5))
    )
    (second / "measures.csv").write_text("step,extra\n7,0.25\n")
    (third / "measures.csv").write_text("step,layer,name,value\n0,l,n,3.5")  # cut at its end
    read = bnexp.load_runs(tmp_path).measures
    assert list(read["run"]) == ["a" * 12, "b" * 12, "c" * 12]
    assert list(read["step"]) == [0, 7, 0]
    expected = pd.Series([1.5, None, 3.5], name="value")
    pd.testing.assert_series_equal(read["value"], expected)
    assert list(read["extra"].dropna()) == [0.25]
