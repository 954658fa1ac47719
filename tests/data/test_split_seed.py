"""Training, validation and subsets drawn by `data.split_seed`."""

import numpy as np
import pytest
import torch

from bnexp.data import describe, load, tensors
from bnexp.data.cache import Cached
from bnexp.data.facts import rest_is_tested
from bnexp.data.splits import Splits, draw_splits
from tests.data.builders import config


def rows(*parts):
    return sorted(map(tuple, torch.cat([x.flatten(1) for x in parts]).tolist()))


def test_null_is_the_fixed_split_and_a_number_draws():
    fixed, again = load(config("digits")), load(config("digits"))
    assert fixed is again
    drawn = [load(config("digits", split_seed=seed)) for seed in (0, 1, 0)]
    assert torch.equal(drawn[0].train_x, drawn[2].train_x)
    for name in ("train_x", "train_y", "val_x", "test_x", "test_y"):
        assert not torch.equal(getattr(drawn[0], name), getattr(drawn[1], name))
        assert getattr(drawn[0], name).shape == getattr(fixed, name).shape


def test_facts_do_not_change_with_the_seed():
    assert describe(config("digits", split_seed=3)) == describe(config("digits"))


def test_every_class_has_its_share_of_every_part():
    data = load(config("digits", split_seed=4))
    counts = sum(y.bincount() for y in (data.train_y, data.val_y, data.test_y))
    for y in (data.train_y, data.val_y, data.test_y):
        assert (y.bincount() - counts * len(y) / 1797).abs().max() < 1.5


def test_every_sample_is_in_exactly_one_part():
    y = np.arange(1000) % 7
    for draw_test in (True, False):
        parts = draw_splits(y, 100, 200, 5, draw_test)
        assert [len(part) for part in parts] == [700, 100, 200]
        assert sorted(np.concatenate(parts)) == list(range(1000))
    assert parts.test.tolist() == list(range(800, 1000))


def test_the_draw_is_pinned():
    """A change here would change every run with a split seed."""
    parts = draw_splits(np.arange(12) % 2, 2, 4, 0, draw_test=True)
    assert [part.tolist() for part in parts] == [[2, 9, 7, 4, 6, 11], [1, 10], [0, 3, 8, 5]]


def test_no_order_of_an_epoch_is_the_order_of_the_split():
    """With the same seed for both, an epoch would otherwise see the samples as they were drawn."""
    from bnexp.data.splits import balanced_order, permutation

    labels = np.zeros(50, np.int64)
    for seed in range(5):
        order = balanced_order(labels, seed)
        assert not any(np.array_equal(order, permutation(50, seed, epoch)) for epoch in range(9))


def test_subsets_are_drawn_nested_and_balanced():
    whole = load(config("digits", split_seed=1))
    part = load(config("digits", split_seed=1, train_size=100))
    other = load(config("digits", split_seed=2, train_size=100))
    assert torch.equal(part.train_x, whole.train_x[:100])
    assert torch.equal(part.val_x, whole.val_x)
    assert torch.equal(part.test_x, whole.test_x)
    assert part.train_y.bincount().tolist() == other.train_y.bincount().tolist() == [10] * 10
    shared = set(rows(part.train_x)) & set(rows(other.train_x))
    assert len(shared) < 30  # by chance 8


@pytest.mark.parametrize("shape", [[7], [3, 4, 4]])
def test_official_test_parts_stay_to_the_last_bit(shape):
    keys = {"shape": shape, "samples": 3000}
    first, second = (load(config("synthetic", split_seed=seed, **keys)) for seed in (1, 2))
    assert torch.equal(first.test_x, second.test_x)
    assert torch.equal(first.test_y, second.test_y)
    assert rows(first.train_x, first.val_x) == rows(second.train_x, second.val_x)
    pool = torch.cat([first.train_x, first.val_x])
    axes = [0, *range(2, pool.dim())] if pool.dim() > 2 else [0, 1]
    assert pool.mean(axes).abs().max() < 1e-6
    assert (pool.std(axes, correction=0) - 1).abs().max() < 1e-6


def test_test_samples_never_enter_the_statistics():
    data = load(config("digits", split_seed=6))
    pool = torch.cat([data.train_x, data.val_x])
    assert abs(pool.mean().item()) < 1e-6
    assert abs(data.test_x.mean().item()) > 1e-6


def test_a_thousand_seeds_read_and_hash_once(monkeypatch):
    monkeypatch.setattr(tensors, "_undivided", {})
    reads, hashes = [], []
    read, content = Cached.splits, Splits.content
    monkeypatch.setattr(Cached, "splits", lambda self: reads.append(1) or read(self))
    monkeypatch.setattr(Splits, "content", lambda self: hashes.append(1) or content(self))
    for seed in range(1000):
        data = config("digits", split_seed=seed, train_size=100)
        describe(data)
        if seed % 100 == 0:
            load(data)
    assert len(reads) == 1
    assert len(hashes) <= 2  # when decoded and when read, if the cache was empty


@pytest.mark.parametrize("seed", [None, 2])
def test_what_train_size_leaves_over_is_tested_on(seed):
    """The same images as numbers as without `test_rest`, after those of the test part."""
    keys = {"split_seed": seed, "train_size": 300}
    whole = load(config("digits", split_seed=seed))
    plain, rest = load(config("digits", **keys)), load(config("digits", test_rest=True, **keys))
    assert describe(config("digits", test_rest=True, **keys)).test == len(rest.test_y) == 1280
    assert torch.equal(rest.train_x, plain.train_x)
    assert torch.equal(rest.val_x, plain.val_x)
    assert torch.equal(rest.test_x, torch.cat([plain.test_x, whole.train_x[300:]]))
    assert torch.equal(rest.test_y, torch.cat([plain.test_y, whole.train_y[300:]]))


def test_nothing_is_left_over_of_all_and_an_official_test_part_stays():
    assert len(load(config("digits", test_rest=True)).test_y) == 300
    fashion = config("fashion_mnist", train_size=300, test_rest=True)
    assert not rest_is_tested(fashion)
