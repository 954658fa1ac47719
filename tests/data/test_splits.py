import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bnexp.data.splits import balanced_order, hold_out, permutation

labels_of_all_classes = st.lists(st.integers(0, 6), min_size=2, max_size=200).map(
    lambda labels: np.unique(labels, return_inverse=True)[1]
)


def test_permutation_is_pinned():
    """A change here would change every run."""
    assert permutation(10, seed=0, stream=0).tolist() == [0, 2, 9, 1, 8, 5, 4, 3, 6, 7]
    assert permutation(10, seed=3, stream=7).tolist() == [5, 0, 6, 9, 8, 7, 4, 2, 3, 1]


def test_permutation_is_uniform():
    """Each of the 24 orders of four comes up 1/24 of the time: 5 sigma of 4,800 draws."""
    orders = [tuple(permutation(4, seed, stream)) for seed in range(60) for stream in range(80)]
    counts = np.array([orders.count(order) for order in set(orders)])
    assert len(counts) == 24
    assert np.abs(counts - 200).max() < 5 * np.sqrt(200 * 23 / 24)


@given(labels_of_all_classes, st.floats(0, 1))
def test_hold_out_parts_keep_the_shares_of_the_classes(labels, share):
    size = round(share * len(labels))
    kept, held_out = hold_out(labels, size)
    assert len(held_out) == size
    assert sorted([*kept, *held_out]) == list(range(len(labels)))
    counts = np.bincount(labels)
    expected = size * counts / len(labels)
    got = np.bincount(labels[held_out], minlength=len(counts))
    assert (np.abs(got - expected) <= 1 + len(counts) / 2 * counts / len(labels)).all()


def test_hold_out_leaves_small_classes_in_the_training_part():
    labels = np.repeat([0, 1], [1000, 5])
    kept, held_out = hold_out(labels, 100)
    assert np.bincount(labels[kept]).tolist() == [900, 5]
    assert np.bincount(labels[held_out]).tolist() == [100]


@given(labels_of_all_classes)
def test_every_start_of_a_balanced_order_is_balanced(labels):
    order = balanced_order(labels)
    assert sorted(order) == list(range(len(labels)))
    available = np.bincount(labels)
    for size in range(1, len(labels) + 1):
        counts = np.bincount(labels[order[:size]], minlength=len(available))
        unfinished = counts[counts < available]
        assert len(unfinished) == 0 or unfinished.min() >= counts.max() - 1


def test_orders_are_shuffled():
    labels = np.arange(1000) % 10
    for order in (hold_out(labels, 100)[0], balanced_order(labels)):
        assert abs(np.corrcoef(np.arange(len(order)), order)[0, 1]) < 0.15
