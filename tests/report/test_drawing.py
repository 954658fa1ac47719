import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from bnexp.report.figures.drawing import by_run, curves, plain_log

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


@pytest.mark.parametrize(
    ("low", "high"),
    [(1.02, 1.09), (0.97, 1.4), (3, 8), (1.1, 9.5), (2.1, 58), (1.5, 95), (5, 200), (1e-6, 0.9)],
)
def test_a_log_axis_has_two_ticks_with_plain_numbers_at_least(low: float, high: float) -> None:
    ax = Figure(figsize=(4, 1.5)).subplots()
    plain_log(ax, "y")
    ax.set_ylim(low, high)
    ax.figure.draw_without_rendering()  # type: ignore[union-attr]
    shown = [tick for tick in ax.yaxis.get_major_ticks() if low <= tick.get_loc() <= high]
    labels = [tick.label1.get_text() for tick in shown]
    assert 2 <= len(labels) <= 8
    assert [float(label) for label in labels] == pytest.approx([tick.get_loc() for tick in shown])
