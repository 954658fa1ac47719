import subprocess
import sys

import numpy as np
import torch
from sklearn.datasets import load_digits

from bnexp.data import describe, load
from tests.conftest import REPOSITORY
from tests.data.builders import config, splits_of

CONTENT = "acd2ba994df3747178806d1293ce946c03c019cd2ed0df70e9f0d9f5b50cef08"


def test_facts():
    facts = describe(config("digits"))
    assert (facts.shape, facts.classes) == ((1, 8, 8), 10)
    assert (facts.train, facts.val, facts.test) == (1280, 217, 300)
    assert facts.content == CONTENT  # the identity of every run on digits hangs on it


def test_every_image_is_in_exactly_one_split():
    splits = splits_of(config("digits"))
    ours = np.concatenate(
        [
            np.column_stack([x.reshape(len(x), -1), y])
            for x, y in (splits[:2], splits[2:4], splits[4:])
        ]
    )
    bunch = load_digits()
    theirs = np.column_stack([bunch.data, bunch.target])
    assert sorted(map(tuple, ours)) == sorted(map(tuple, theirs))


def test_classes_have_their_share_of_every_split():
    splits = splits_of(config("digits"))
    shares = np.bincount(load_digits().target) / 1797
    for labels in (splits.train_y, splits.val_y, splits.test_y):
        assert np.abs(np.bincount(labels) - shares * len(labels)).max() < 1.5


def test_loaded_tensors():
    data = load(config("digits"))
    assert (data.shape, data.classes) == ((1, 8, 8), 10)
    for x, y in (
        (data.train_x, data.train_y),
        (data.val_x, data.val_y),
        (data.test_x, data.test_y),
    ):
        assert x.dtype == torch.float32
        assert x.is_contiguous()
        assert y.dtype == torch.int64
        assert x.shape == (len(y), 1, 8, 8)


def test_a_cached_dataset_is_described_without_heavy_imports():
    describe(config("digits"))
    code = (
        "import sys; from bnexp.data import check_data, describe;"
        "from tests.data.builders import config;"
        "data = config('digits'); assert check_data(data) == []; print(describe(data).content);"
        "print(*{'torch', 'torchvision', 'sklearn', 'pandas'} & sys.modules.keys())"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == [CONTENT]
