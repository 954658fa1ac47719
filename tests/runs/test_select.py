import pandas as pd
import pytest

from bnexp.errors import UserError
from bnexp.runs.select import is_condition, select

TABLE = pd.DataFrame(
    {
        "model.norm": ["none", "batch", "layer", "batch"],
        "optimizer.lr": [0.001, 0.1, 1.0, 3.0],
        "model.depth": [None, 10, None, 2],
        "model.widths": [[256, 128], [256, 128], [64], [64]],
        "compile": [True, False, False, True],
        "reason": [None, "a, b", "50% [x]", "'"],
    }
)


@pytest.mark.parametrize(
    ("condition", "rows"),
    [
        ("model.norm=batch", [1, 3]),
        ("model.norm=none,layer", [0, 2]),
        ("model.norm!=batch", [0, 2]),
        ("model.norm!=batch,layer", [0]),
        ("model.norm=*a*", [1, 2, 3]),
        ("model.norm=[bn]*", [0, 1, 3]),
        ("model.norm=?a????", []),
        ("model.norm='b*'", []),
        ("optimizer.lr=1e-3", [0]),
        ("optimizer.lr = 1", [2]),
        ("optimizer.lr=0.1, 3", [1, 3]),
        ("optimizer.lr<=0.1", [0, 1]),
        ("optimizer.lr<0.1", [0]),
        ("optimizer.lr>0.1", [2, 3]),
        ("optimizer.lr>=1", [2, 3]),
        ("model.depth=null", [0, 2]),
        ("model.depth!=null", [1, 3]),
        ("model.depth=10", [1]),
        ("model.depth>1", [1, 3]),
        ("model.widths=[256, 128]", [0, 1]),
        ("model.widths=[256,128],[64]", [0, 1, 2, 3]),
        ("compile=true", [0, 3]),
        ("compile=False", [1, 2]),
        ('reason="a, b"', [1]),
        ("reason='50% [x]'", [2]),
        ("reason!=null", [1, 2, 3]),
    ],
)
def test_conditions(condition: str, rows: list[int]) -> None:
    assert list(select(TABLE, [condition]).index) == rows


def test_conditions_add_up() -> None:
    assert list(select(TABLE, ["model.norm=batch", "optimizer.lr<1"]).index) == [1]
    none = select(TABLE, ["model.norm=group", "optimizer.lr<1", "compile=true"])
    assert list(none.columns) == list(TABLE.columns)
    assert none.empty


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("model.nrom=batch", r"did you mean model\.norm"),
        ("model.norm", "must be KEY=VALUE"),
        ("model.norm=", "must be KEY=VALUE"),
        ("model.norm<3", "compares what is not a number"),
        ("optimizer.lr<high", "compares what is not a number"),
        ("model.widths=[1", "cannot be read"),
    ],
)
def test_bad_conditions_are_explained(condition: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        select(TABLE, [condition])


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(UserError) as error:
        select(TABLE, ["a=1", "model.norm", "compile=true"])
    assert len(error.value.lines) == 2


def test_a_folder_with_a_sign_in_its_name_is_a_folder() -> None:
    from pathlib import Path

    Path("a=b").mkdir()
    assert not is_condition("a=b")
    assert is_condition("a<=b")
    assert not is_condition("runs")
