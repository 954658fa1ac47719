import pytest

from bnexp.config import Schedule
from bnexp.probes import due


@pytest.mark.parametrize(
    ("every", "at", "end", "expected"),
    [
        (None, [], False, []),
        (None, [], True, [10]),
        (None, [0, 3, 99], False, [0, 3]),
        (4, [], False, [0, 4, 8]),
        (4, [1], True, [0, 1, 4, 8, 10]),
        (5, [], False, [0, 5, 10]),
    ],
)
def test_steps_of_a_run_of_ten(
    every: int | None, at: list[int], end: bool, expected: list[int]
) -> None:
    schedule = Schedule(every=every, at=at, end=end)
    assert [step for step in range(11) if due(schedule, step, last=step == 10)] == expected


def test_switched_off() -> None:
    assert not due(None, 0)
    assert not due(None, 10, last=True)
