import numpy as np
import pandas as pd

from bnexp.report.figures.drawing import by_run, curves

TABLE = pd.DataFrame(
    {
        "run": ["b", "b", "c", "a", "a", "a"],
        "step": [1, 0, 0, 0, 2, 1],
        "loss": [5.0, 4.0, 9.0, 1.0, np.nan, 2.0],
    }
)


def test_points_of_each_run_by_its_first_column() -> None:
    found = by_run(TABLE, pd.Series(["b", "a", "d"]), "step", "loss")
    expected = [[(0, 1), (1, 2), (2, np.nan)], [(0, 4), (1, 5)]]
    assert len(found) == len(expected)
    for points, wanted in zip(found, expected, strict=True):
        np.testing.assert_array_equal(points, wanted)
    assert by_run(TABLE, pd.Series(["d"]), "step", "loss") == []


def test_curves_have_the_points_of_all_runs() -> None:
    x, y = curves(TABLE, pd.Series(["a", "b"]), "step", "loss")
    np.testing.assert_array_equal(x, [0, 1])
    np.testing.assert_array_equal(y, [[1, 2], [4, 5]])
