import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bnexp.data import augment, epoch_order, smallest_batch
from tests.data.builders import config

sizes = st.integers(1, 300)


def data(batch_size, drop_last=False, **keys):
    return config("synthetic", batch_size=batch_size, drop_last=drop_last, **keys)


@given(sizes, sizes, st.integers(0, 2**32 - 1), st.integers(0, 10_000))
def test_epoch_order_takes_every_sample_once(n, batch_size, seed, epoch):
    batches = epoch_order(data(batch_size), n, seed, epoch)
    assert torch.cat(batches).sort().values.tolist() == list(range(n))
    assert [len(batch) for batch in batches[:-1]] == [batch_size] * (len(batches) - 1)
    assert 1 <= len(batches[-1]) <= batch_size

    whole = epoch_order(data(batch_size, True), n, seed, epoch)
    assert len(whole) == n // batch_size
    assert all(
        torch.equal(a, b) and len(a) == batch_size for a, b in zip(whole, batches, strict=False)
    )


def test_epoch_order_is_pinned():
    batches = epoch_order(data(4), 10, 0, 0)
    assert [batch.tolist() for batch in batches] == [[0, 2, 9, 1], [8, 5, 4, 3], [6, 7]]
    assert batches[0].dtype == torch.int64
    batches = epoch_order(data(4, batch_sizes=[1, 4]), 10, 0, 0)
    assert [batch.tolist() for batch in batches] == [[0], [2, 9, 1], [8, 5, 4], [3, 6, 7]]


@given(sizes, st.integers(1, 40), st.integers(0, 40), st.booleans(), st.integers(0, 2**32 - 1))
def test_batches_of_every_size(n, low, more, drop_last, seed):
    keys = data(64, drop_last, batch_sizes=[low, low + more])
    first, second = (epoch_order(keys, n, seed, epoch) for epoch in (0, 1))
    lengths = sorted(map(len, first))
    assert lengths == sorted(map(len, second))  # as many steps in every epoch
    assert all(length <= low + more for length in lengths)
    assert lengths[:1] >= [smallest_batch(keys, n)] or not lengths
    assert sum(length < low for length in lengths) <= 1 - drop_last
    seen = torch.cat([*first, torch.empty(0, dtype=torch.int64)])
    assert len(seen) == len(seen.unique())
    assert n - len(seen) < (low if drop_last else 1)


def test_every_size_comes_up_equally_often():
    keys = data(64, True, batch_sizes=[3, 6])
    lengths = torch.tensor([len(batch) for batch in epoch_order(keys, 18_000, 1, 0)])
    counts = lengths.bincount()[3:].double()
    assert (counts - counts.mean()).abs().max() < 5 * counts.mean().sqrt()


def test_epoch_order_differs_by_seed_and_epoch():
    orders = [
        tuple(torch.cat(epoch_order(data(50), 50, seed, epoch)).tolist())
        for seed in range(3)
        for epoch in range(3)
    ]
    assert len(set(orders)) == 9


def test_epoch_order_depends_on_nothing_else():
    before = epoch_order(data(10), 100, 1, 2)
    torch.manual_seed(5)
    torch.rand(3)
    state = torch.get_rng_state()
    after = epoch_order(data(10), 100, 1, 2)
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    assert torch.equal(torch.get_rng_state(), state)


def crops_and_flips(image, crop, flip):
    """Every outcome for one image (C, H, W), pixel by pixel."""
    channels, height, width = image.shape
    outcomes = []
    for down, right, mirror in itertools.product(
        range(-crop, crop + 1), range(-crop, crop + 1), [False, True] if flip else [False]
    ):
        out = torch.zeros_like(image)
        for c, y, x in itertools.product(range(channels), range(height), range(width)):
            from_y, from_x = y + down, (width - 1 - x if mirror else x) + right
            if 0 <= from_y < height and 0 <= from_x < width:
                out[c, y, x] = image[c, from_y, from_x]
        outcomes.append(out)
    return torch.stack(outcomes)


@pytest.mark.parametrize(("flip", "crop"), [(True, 0), (False, 1), (True, 2)])
def test_augment_gives_each_crop_and_flip_equally_often(flip, crop):
    image = torch.arange(1.0, 41.0).view(2, 4, 5)
    outcomes = crops_and_flips(image, crop, flip)
    n = 400 * len(outcomes)
    batch = augment(image.expand(n, 2, 4, 5), flip, crop, torch.Generator().manual_seed(0))
    matches = (batch[:, None] == outcomes).flatten(2).all(2)
    assert torch.equal(matches.sum(1), torch.ones(n, dtype=torch.int64))
    assert (matches.sum(0) - 400).abs().max() < 5 * 400**0.5


def test_augment_treats_each_sample_by_itself():
    x = torch.randn(64, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    batch = augment(x, True, 1, torch.Generator().manual_seed(1))
    for image, out in zip(x, batch, strict=True):
        assert (out == crops_and_flips(image, 1, True)).flatten(1).all(1).sum() == 1


@given(st.integers(0, 1000), st.integers(1, 9), st.integers(1, 9))
def test_flips_mirror_the_width_or_do_nothing(seed, height, width):
    x = torch.randn(8, 2, height, width, generator=torch.Generator().manual_seed(seed))
    out = augment(x, True, 0, torch.Generator().manual_seed(seed))
    mirrored = augment(x.flip(-1), True, 0, torch.Generator().manual_seed(seed))
    assert torch.equal(mirrored, out.flip(-1))
    kept = (out == x).flatten(1).all(1)
    assert torch.equal(torch.where(kept[:, None, None, None], x, x.flip(-1)), out)


def test_augment_off_is_the_identity_and_draws_nothing():
    x = torch.randn(4, 1, 3, 3)
    generator = torch.Generator().manual_seed(0)
    state = generator.get_state()
    assert augment(x, False, 0, generator) is x
    assert torch.equal(generator.get_state(), state)


def test_augment_ignores_the_memory_format():
    x = torch.randn(16, 3, 6, 6)
    plain = augment(x, True, 2, torch.Generator().manual_seed(0))
    last = x.contiguous(memory_format=torch.channels_last)
    assert torch.equal(augment(last, True, 2, torch.Generator().manual_seed(0)), plain)


@pytest.mark.skipif(not torch.accelerator.is_available(), reason="needs an accelerator")
def test_augment_is_the_same_on_an_accelerator():
    x = torch.randn(16, 3, 6, 6)
    cpu = augment(x, True, 2, torch.Generator().manual_seed(0))
    device = torch.accelerator.current_accelerator()
    assert torch.equal(augment(x.to(device), True, 2, torch.Generator().manual_seed(0)).cpu(), cpu)
