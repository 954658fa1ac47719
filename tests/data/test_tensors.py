import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from bnexp.data import describe, load
from bnexp.data.tensors import channel_statistics
from bnexp.errors import UserError
from tests.data.builders import config, splits_of


@given(arrays(np.uint8, array_shapes(min_dims=3, max_dims=5, max_side=5)))
def test_statistics_by_channel(images):
    mean, std = channel_statistics(images)
    channels = images.swapaxes(0, 1).reshape(images.shape[1], -1)
    broadcast = (-1, *[1] * (images.ndim - 2))
    expected = channels.std(1)
    torch.testing.assert_close(mean, torch.tensor(channels.mean(1)).float().view(broadcast))
    constant = channels.min(1) == channels.max(1)
    expected[constant] = 1
    torch.testing.assert_close(std, torch.tensor(expected).float().view(broadcast))


def test_flat_samples_share_one_mean():
    images = np.random.default_rng(0).normal(3, 2, (5000, 7)).astype(np.float32)
    mean, std = channel_statistics(images)
    assert mean.shape == std.shape == (1,)
    assert mean.item() == pytest.approx(images.mean(dtype=np.float64))
    assert std.item() == pytest.approx(images.std(dtype=np.float64))


def test_images_are_normalised_by_the_training_part():
    splits, data = splits_of(config("digits")), load(config("digits"))
    mean, std = splits.train_x.mean(), splits.train_x.std()
    for raw, x in ((splits.train_x, data.train_x), (splits.test_x, data.test_x)):
        torch.testing.assert_close(x, torch.tensor((raw - mean) / std).float())


def test_train_size_takes_nested_balanced_subsets():
    whole = load(config("digits"))
    for size in (1, 100, 250, 1280):
        data = config("digits", train_size=size)
        part = load(data)
        assert describe(data).train == len(part.train_y) == size
        assert torch.equal(part.train_x, whole.train_x[:size])
        assert torch.equal(part.train_y, whole.train_y[:size])
        assert torch.equal(part.val_x, whole.val_x)
        assert torch.equal(part.test_x, whole.test_x)
    assert whole.train_y[:100].bincount().tolist() == [10] * 10
    counts = whole.train_y[:255].bincount()
    assert counts.max() - counts.min() == 1


@pytest.mark.parametrize("use", [describe, load])
def test_train_size_beyond_the_dataset(use):
    with pytest.raises(UserError) as error:
        use(config("digits", train_size=9999))
    assert error.value.lines == ["data.train_size=9999: digits has 1280 training samples"]


def test_data_that_changed_since_it_was_planned():
    data = config("digits")
    assert load(data, describe(data).content) is load(data)
    with pytest.raises(UserError) as error:
        load(data, "another")
    assert error.value.lines == [
        "data.name=digits: changed since the run was planned; start it anew"
    ]


@given(st.integers(1, 1280))
def test_train_size_does_not_change_the_content(size):
    assert describe(config("digits", train_size=size)).content == describe(config("digits")).content
