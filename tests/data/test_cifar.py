import hashlib
import pickle
from pathlib import Path

import numpy as np
import pytest

from bnexp.data import describe
from bnexp.data.cifar import read as cifar
from bnexp.errors import UserError
from tests.data.builders import config, splits_of


def batch(start, count):
    """Images whose first two bytes are their number; a class is the number modulo 100."""
    number = np.arange(start, start + count)
    pixels = np.zeros((count, 3072), np.uint8)
    pixels[:, 0], pixels[:, 1] = number % 256, number // 256
    return pickle.dumps({"data": pixels, "fine_labels": (number % 100).tolist()}, protocol=2)


@pytest.fixture
def small_cifar100(empty_cache, tmp_path, monkeypatch) -> Path:
    from torchvision.datasets import CIFAR100

    folder = tmp_path / "files" / "cifar-100-python"
    folder.mkdir(parents=True)
    for name, data in (("train", batch(0, 6000)), ("test", batch(6000, 100))):
        (folder / name).write_bytes(data)
        md5 = hashlib.md5(data).hexdigest()
        monkeypatch.setattr(CIFAR100, f"{name}_list", [[name, md5]])
    return folder


def test_reads_planes_and_labels():
    pixels = np.arange(2 * 3072).reshape(2, 3072).astype(np.uint8)
    images, labels = cifar.read_batch(pickle.dumps({"data": pixels, "labels": [3, 9]}))
    assert images.shape == (2, 3, 32, 32)
    assert images[1, 2, 5, 7] == pixels[1, 2 * 1024 + 5 * 32 + 7]
    assert labels.tolist() == [3, 9]
    assert labels.dtype == np.int64


@pytest.mark.parametrize("inside", [True, False])
def test_splits(small_cifar100, inside):
    root = small_cifar100 if inside else small_cifar100.parent
    data = config("cifar100", root=str(root))
    found = describe(data)
    assert (found.shape, found.classes) == ((3, 32, 32), 100)
    assert (found.train, found.val, found.test) == (1000, 5000, 100)
    splits = splits_of(data)
    first, second = (
        x[:, 0, 0, 0] + 256 * x[:, 0, 0, 1].astype(int) for x in (splits.train_x, splits.val_x)
    )
    assert sorted([*first, *second]) == list(range(6000))
    assert np.array_equal(splits.train_y, first % 100)
    assert np.bincount(splits.val_y).tolist() == [50] * 100


def test_a_damaged_file_is_named_and_not_unpickled(small_cifar100, monkeypatch):
    path = small_cifar100 / "test"
    path.write_bytes(path.read_bytes()[:-100])
    read = []
    monkeypatch.setattr(cifar, "read_batch", lambda data: read.append(len(data)))
    with pytest.raises(UserError) as error:
        describe(config("cifar100", root=str(small_cifar100)))
    (line,) = error.value.lines
    assert line.startswith(f"{path}: damaged, or no file of cifar100: MD5 ")
    assert len(read) == 1
