import gzip
import re
from pathlib import Path

import numpy as np
import pytest

from bnexp.data import describe, facts, load
from bnexp.data.idx import read as idx
from bnexp.errors import UserError
from tests.data.builders import config, idx_bytes, idx_dataset, splits_of, write_idx


@pytest.fixture
def small_mnist(empty_cache, tmp_path, monkeypatch) -> Path:
    """A folder with small files under the names of MNIST's, which pass for MNIST."""
    sums = write_idx(tmp_path / "files", packed=True)
    monkeypatch.setitem(idx._MD5, "mnist", sums)
    return tmp_path / "files"


@pytest.mark.parametrize("shape", [(5,), (3, 2, 4), (0,)])
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_reads_what_was_written(tmp_path, shape, suffix):
    array = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    data = idx_bytes(array)
    path = tmp_path / f"some{suffix}"
    path.write_bytes(gzip.compress(data) if suffix else data)
    read = idx.read_idx(path)
    assert np.array_equal(read, array)
    assert read.flags.writeable


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0\0",
        idx_bytes(np.zeros((3, 2), np.uint8))[:-1],
        idx_bytes(np.zeros((3, 2), np.uint8)) + b"\0",
        idx_bytes(np.zeros((3, 2), np.uint8))[:6],
        b"\0\0\x0d\1\0\0\0\1\0\0\0\0",  # a float
        b"<html>not found</html>",
    ],
)
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_anything_else_is_refused(tmp_path, data, suffix):
    path = tmp_path / f"some{suffix}"
    path.write_bytes(gzip.compress(data) if suffix else data)
    with pytest.raises(UserError, match=re.escape(str(path))):
        idx.read_idx(path)


@pytest.mark.parametrize("cut", [0, 5, 200, -4, -1])
def test_a_truncated_gzip_file_is_one_clear_line(tmp_path, cut):
    path = tmp_path / "some.gz"
    path.write_bytes(gzip.compress(idx_bytes(np.arange(250, dtype=np.uint8)))[:cut])
    with pytest.raises(UserError) as error:
        idx.read_idx(path)
    (line,) = error.value.lines
    assert line.startswith(f"{path}: ")
    assert "\n" not in line


def test_splits_and_values(small_mnist):
    data = config("mnist", root=str(small_mnist))
    found = describe(data)
    assert (found.shape, found.classes) == ((1, 2, 2), 10)
    assert (found.train, found.val, found.test) == (1000, 5000, 50)

    splits = splits_of(data)
    arrays = idx_dataset()
    number = splits.train_x[:, 0, 0, 0] + 256 * splits.train_x[:, 0, 0, 1].astype(int)
    others = splits.val_x[:, 0, 0, 0] + 256 * splits.val_x[:, 0, 0, 1].astype(int)
    assert sorted([*number, *others]) == list(range(6000))
    assert np.array_equal(splits.train_y, number % 10)
    assert np.array_equal(splits.val_y, others % 10)
    assert np.array_equal(splits.test_x[:, 0], arrays["t10k-images-idx3-ubyte"])
    assert np.bincount(splits.val_y).tolist() == [500] * 10
    assert load(data).train_x.shape == (1000, 1, 2, 2)


@pytest.mark.parametrize("below", ["", "raw", "MNIST/raw", "mnist"])
@pytest.mark.parametrize("packed", [True, False])
def test_content_is_the_same_wherever_and_however_the_files_lie(
    small_mnist, tmp_path, below, packed
):
    write_idx(tmp_path / "other" / below, packed)
    there = describe(config("mnist", root=str(tmp_path / "other")))
    assert there == describe(config("mnist", root=str(small_mnist)))


def test_files_of_another_dataset_are_refused(small_mnist):
    with pytest.raises(UserError) as error:
        describe(config("fashion_mnist", root=str(small_mnist)))
    (line,) = error.value.lines
    assert "train-images-idx3-ubyte.gz: damaged, or no file of fashion_mnist: MD5" in line


def test_files_that_change_are_checked_again(small_mnist):
    data = config("mnist", root=str(small_mnist))
    describe(data)
    path = small_mnist / "t10k-labels-idx1-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-10])
    facts._known.clear()
    with pytest.raises(UserError, match=r"t10k-labels-idx1-ubyte\.gz: damaged"):
        describe(data)


def test_the_debian_package_is_found_without_a_root(small_mnist, monkeypatch):
    monkeypatch.setitem(idx._MD5, "fashion_mnist", idx._MD5["mnist"])
    monkeypatch.setattr(idx, "_DEBIAN", small_mnist)
    assert describe(config("fashion_mnist")).train == 1000


@pytest.mark.skipif(not idx._DEBIAN.is_dir(), reason="needs dataset-fashion-mnist")
def test_the_real_fashion_mnist(empty_cache):
    found = describe(config("fashion_mnist"))
    assert (found.shape, found.train, found.val, found.test) == ((1, 28, 28), 55000, 5000, 10000)
    assert found.content == "98d6f16f0f1688f0aa79c5427003950a41abf2134a7ba06cb91c8f2d5002a1be"
