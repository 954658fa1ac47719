import numpy as np
import pytest
import torch

from bnexp.data import describe, load
from bnexp.data.synthetic.generate import generate
from tests.data.builders import config


@pytest.mark.parametrize("shape", [[7], [3, 10], [3, 8, 6], [2, 4, 5, 6]])
def test_any_shape(shape):
    data = config("synthetic", shape=shape, classes=5, samples=105)
    facts, loaded = describe(data), load(data)
    assert facts.shape == loaded.shape == tuple(shape)
    assert (facts.train, facts.val, facts.test, facts.classes) == (105, 21, 21, 5)
    assert loaded.train_x.shape == (105, *shape)
    assert loaded.test_x.dtype == torch.float32
    assert loaded.train_y.bincount().tolist() == [21] * 5
    counts = loaded.val_y.bincount()
    assert counts.max() - counts.min() <= 1


def test_generated_values_are_pinned():
    """A change here needs a new number in the recipe that `facts` hashes."""
    splits = generate(config("synthetic", shape=[3], classes=2, samples=10))
    np.testing.assert_allclose(splits.train_x[0], [1.884762, -2.297172, -0.882073], rtol=1e-5)
    np.testing.assert_allclose(splits.test_x[-1], [-0.084815, 2.022934, 0.557471], rtol=1e-5)


def test_facts_follow_the_recipe():
    keys = [{}, {"classes": 3}, {"samples": 5000}, {"shape": [100, 10]}, {"shape": [999]}]
    hashes = {describe(config("synthetic", **change)).content for change in keys}
    assert len(hashes) == len(keys)
    assert describe(config("synthetic", batch_size=1, crop=0)).content in hashes


@pytest.mark.parametrize(
    ("keys", "low", "high"),
    [({}, 0.9, 0.995), ({"shape": [3, 16, 16], "classes": 10}, 0.6, 0.97)],
)
def test_learnable_but_not_trivial(keys, low, high):
    """By the nearest class mean, the best classifier for classes of equal, round noise."""
    data = load(config("synthetic", **keys))
    x, test = data.train_x.flatten(1), data.test_x.flatten(1)
    means = torch.stack([x[data.train_y == label].mean(0) for label in range(data.classes)])
    accuracy = (torch.cdist(test, means).argmin(1) == data.test_y).float().mean().item()
    assert low < accuracy < high
