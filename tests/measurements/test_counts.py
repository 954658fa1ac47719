from typing import Any

import pytest

from bnexp.errors import UserError
from bnexp.measurements.counts import measure


def counted(norm: str, *shape: int, **options: Any) -> dict[str, float]:
    return {name: value for _, name, value in measure(0, norm, shape, **options)}


def test_batch_norm_has_a_statistic_for_each_channel() -> None:
    found = counted("batch", 4, 6, 3, 5)
    assert found == {"statistics": 6, "values_per_statistic": 60, "gamma": 6, "beta": 6}


def test_group_norm_has_one_for_each_sample_and_group() -> None:
    found = counted("group", 4, 6, 3, 5, groups=3)
    assert (found["statistics"], found["values_per_statistic"]) == (12, 30)


def test_without_affine_nothing_is_learnt() -> None:
    assert "gamma" not in counted("batch", 4, 6, affine=False)


def test_a_shape_that_the_layer_refuses() -> None:
    assert counted("batch", 1, 6) == {"refused": 1}


def test_a_wrong_option_is_the_users_error() -> None:
    with pytest.raises(UserError):
        measure(0, "batch", (4, 6), groups=3)
