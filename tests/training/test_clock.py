import time

from bnexp.training.clock import Clock


def test_time_counts_once_as_the_innermost_kind() -> None:
    clock = Clock()
    start = time.perf_counter()
    with clock.timed("training"):
        time.sleep(0.02)
        with clock.timed("probing"):
            time.sleep(0.05)
        time.sleep(0.01)
    time.sleep(0.01)
    whole = time.perf_counter() - start
    assert clock.seconds["training"] >= 0.03
    assert clock.seconds["probing"] >= 0.05
    assert clock.seconds["evaluation"] == 0
    assert sum(clock.seconds.values()) <= whole - 0.01
