import numpy as np
import pytest

from bnexp.comparisons.choices import Choices
from bnexp.comparisons.counting import evidence
from bnexp.comparisons.judges.instrument import identical_arms, most_evidence, planted_effect
from tests.comparisons.judges.tables import arm, make


def test_a_pool_without_effect_gives_few_findings() -> None:
    accuracy = tuple(0.9 + 0.01 * np.random.default_rng(3).normal(size=40))
    found = identical_arms(make(arm("net", seeds=40, test_accuracy=accuracy)), Choices())
    assert found.quantities["alone"].kind == "fact"
    assert 0 <= found.quantities["alone"].centre <= 10
    assert found.quantities["ledger"].centre == 0
    assert len(found.table) == 100


def test_the_strongest_look_counts_and_ties_say_nothing() -> None:
    gaps = np.array([1.0] * 7 + [-1.0] * 20)
    assert most_evidence(gaps) == pytest.approx(max(evidence(7, 7), evidence(27, 20)))
    assert most_evidence(np.zeros(10)) == 0.0
    assert most_evidence(gaps) == pytest.approx(most_evidence(-gaps))


def test_a_flat_pool_decides_nothing() -> None:
    found = identical_arms(make(arm("net", seeds=40, test_accuracy=0.9)), Choices())
    assert found.quantities["alone"].centre == 0


def test_the_planted_effect_is_read_by_seed() -> None:
    rows = arm("many", test_accuracy=(0.95, 0.96, 0.97, 0.98), data__train_size=None)
    rows += arm("few", test_accuracy=0.9, data__train_size=200)
    cost = planted_effect(make(rows), Choices()).quantities["cost"].readings
    assert [reading.low for reading in cost.values()] == pytest.approx([5, 6, 7, 8])
