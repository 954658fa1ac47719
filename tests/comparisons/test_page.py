"""What the ledger's page adds to the figures of the report."""

import pytest

from bnexp.comparisons.page import _to_target
from tests.comparisons.judges.tables import arm, make


@pytest.mark.parametrize(
    ("data", "options"), [("digits", {"target": 0.95}), ("synthetic", {}), ("my_own", {})]
)
def test_convergence_is_drawn_to_the_target_that_is_judged(data: str, options: object) -> None:
    assert _to_target(make(arm("a", data__name=data))) == options


def test_without_runs_there_is_no_target() -> None:
    assert _to_target(make([])) == {}
