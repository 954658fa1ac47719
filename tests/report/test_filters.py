import pandas as pd
import pytest

from bnexp.errors import UserError
from bnexp.report.filters import matching

TABLE = pd.DataFrame(
    {
        "model.norm": ["none", "batch", "layer", "batch"],
        "optimizer.lr": [0.001, 0.1, 1.0, 3.0],
        "model.depth": [None, 10, None, 2],
        "model.widths": [[256, 128], [256, 128], [64], [64]],
        "compile": [True, False, False, True],
    }
)


@pytest.mark.parametrize(
    ("condition", "rows"),
    [
        ("model.norm=batch", [1, 3]),
        ("model.norm=none,layer", [0, 2]),
        ("model.norm!=batch", [0, 2]),
        ("optimizer.lr=1e-3", [0]),
        ("optimizer.lr = 1", [2]),
        ("optimizer.lr<=0.1", [0, 1]),
        ("optimizer.lr>0.1", [2, 3]),
        ("model.depth=null", [0, 2]),
        ("model.depth=10", [1]),
        ("model.widths=[256, 128]", [0, 1]),
        ("compile=true", [0, 3]),
    ],
)
def test_conditions(condition: str, rows: list[int]) -> None:
    assert list(matching(TABLE, [condition]).index) == rows


def test_conditions_add_up() -> None:
    assert list(matching(TABLE, ["model.norm=batch", "optimizer.lr<1"]).index) == [1]
    none = matching(TABLE, ["model.norm=group", "optimizer.lr<1", "compile=true"])
    assert list(none.columns) == list(TABLE.columns)
    assert none.empty


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("model.nrom=batch", "did you mean model.norm"),
        ("model.norm", "must be key=value"),
        ("model.norm<3", "compares what is not a number"),
        ("model.widths=[1", "cannot be read"),
    ],
)
def test_bad_conditions_are_explained(condition: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        matching(TABLE, [condition])
