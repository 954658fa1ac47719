"""A dataset that a function of the user's returns."""

import sys

import numpy as np
import pytest
import torch

from bnexp.data import check_data, describe, facts, load
from bnexp.data.module import read
from bnexp.errors import UserError
from tests.data.builders import config, splits_of

RNG = np.random.default_rng(0)
X, Y = RNG.integers(0, 256, (40, 1, 4, 4), dtype=np.uint8), np.arange(40) % 4


@pytest.fixture
def returns(monkeypatch, tmp_path):
    """Make a module whose function `get` returns what is given; counts the calls."""
    monkeypatch.setattr(read, "_latest", {})
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "my_data.py").write_text("def get(**kwargs):\n    return answer(**kwargs)\n")
    sys.modules.pop("my_data", None)
    import my_data

    def give(value):
        read._latest.clear()
        facts._known.clear()
        monkeypatch.setattr(my_data, "answer", lambda **kwargs: value, raising=False)
        return my_data

    return give


def data(**keys):
    return config("my_data.get", batch_size=8, **keys)


def test_four_arrays(returns):
    returns((X, Y, X[:8], Y[:8]))
    found = describe(data())
    assert (found.shape, found.classes) == ((1, 4, 4), 4)
    assert (found.train, found.val, found.test) == (36, 4, 8)
    assert check_data(data()) == []
    splits = splits_of(data())
    assert sorted(np.concatenate([splits.train_x, splits.val_x]).tolist()) == sorted(X.tolist())
    assert np.array_equal(splits.test_x, X[:8])
    assert load(data()).train_x.shape == (36, 1, 4, 4)


def test_tensors_names_and_a_validation_part(returns):
    x, y = torch.randn(30, 7, dtype=torch.float64), torch.arange(30) % 3
    parts = {"train": slice(0, 18), "val": slice(18, 24), "test": slice(24, 30)}
    returns({f"{part}_{k}": v[at] for part, at in parts.items() for k, v in (("x", x), ("y", y))})
    splits = splits_of(data())
    assert splits.train_x.dtype == np.float32
    assert np.array_equal(splits.val_x, x[18:24].float().numpy())
    assert np.array_equal(splits.train_y, y[:18].numpy())


def test_the_content_is_that_of_the_arrays(returns):
    returns((X, Y, X[:8], Y[:8]))
    first = describe(data()).content
    returns((torch.from_numpy(X), torch.from_numpy(Y), X[:8].copy(), list(Y[:8])))
    assert describe(data()).content == first
    changed = X.copy()
    changed[0, 0, 0, 0] ^= 1
    returns((changed, Y, X[:8], Y[:8]))
    assert describe(data()).content != first


def test_the_function_is_called_once_whatever_the_split(returns):
    module, calls = returns(None), []
    module.answer = lambda **kwargs: calls.append(kwargs) or (X, Y, X[:8], Y[:8])
    for seed in range(5):
        load(data(split_seed=seed, kwargs={"a": 1}))
    assert calls == [{"a": 1}]
    describe(data(kwargs={"a": 2}))
    assert calls == [{"a": 1}, {"a": 2}]


def test_what_is_returned_stays_the_users_own(returns):
    x, y = X.astype(np.float32), Y.copy()
    y.flags.writeable = False
    returns((x, y, x[:8], y[:8]))
    load(data()).train_x.zero_()
    assert x.std() > 1


@pytest.mark.parametrize(
    ("value", "line"),
    [
        (None, "returns NoneType, not train_x, train_y, test_x, test_y, or train_x, train_y, "
         "val_x, val_y, test_x, test_y, as a tuple or a mapping with these names"),
        ((X, Y), "returns tuple, not train_x"),
        ({"x": X}, "returns x, not train_x"),
        ((X, Y[:-1], X, Y), "train_x has 40 samples, and train_y 39 labels"),
        ((X, Y, X[:, :, 1:], Y), "test_x has samples of [1, 3, 4], not [1, 4, 4]"),
        ((X * np.float32("nan"), Y, X, Y), "train_x holds values that are not finite"),
        ((X.astype(str), Y, X, Y), "train_x holds <U3, not numbers"),
        ((X[:, 0, 0, 0], Y, X, Y), "train_x has the shape [40], not (N, C, H, W) or such"),
        ((X, Y / 2, X, Y), "train_y is float64 [40], not integer (N,)"),
        ((X, Y - 1, X, Y), "train_y holds -1 to 2; classes are counted from 0"),
        ((X, Y, X[:3], Y[:3]), "test_y has 0 samples of class 3 of 4; at least 1"),
        ((X[:5], Y[:5], X, Y), "train_y has 1 samples of class 1 of 4; at least 2"),
        ((X, Y * 0, X, Y * 0), "has one class; at least two"),
        ((torch.ones(4, 2, requires_grad=True), Y, X, Y), "train_x is no array: RuntimeError: "),
        (([[1, 2], [3]], Y, X, Y), "train_x is no array: ValueError: "),
    ],
)  # fmt: skip
def test_anything_else_is_one_line(returns, value, line):
    returns(value)
    with pytest.raises(UserError) as error:
        describe(data())
    (found,) = error.value.lines
    assert found.startswith(f"data.name=my_data.get: {line}")
    assert check_data(data()) == [found]


def test_a_function_that_fails_or_is_none(returns):
    module = returns(None)
    module.answer = lambda: 1 / 0
    for keys, line in (
        ({}, "data.name=my_data.get: fails with {}: ZeroDivisionError: division by zero"),
        ({"kwargs": {"size": 3}}, "data.name=my_data.get: fails with {'size': 3}: TypeError: "),
    ):
        (found,) = check_data(data(**keys))
        assert found.startswith(line)
    (line,) = check_data(config("my_data.nothing"))
    assert line.startswith("data.name=my_data.nothing: cannot be imported: AttributeError: ")
