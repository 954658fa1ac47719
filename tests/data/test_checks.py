import pytest

from bnexp.data import check_data
from bnexp.data.datasets import DATASETS
from tests.data.builders import config, write_images


@pytest.mark.parametrize("name", sorted(DATASETS.keys() - {"image_folder", "module"}))
def test_plain_configurations_pass_without_any_file(name):
    assert check_data(config(name)) == []


@pytest.mark.parametrize(
    ("name", "keys", "line"),
    [
        (
            "digits",
            {"train_size": 9999},
            "data.train_size=9999: digits has 1280 training samples",
        ),
        (
            "digits",
            {"batch_size": 1281},
            "data.batch_size=1281: there are 1280 training samples, and without the last, smaller "
            "batch none is left; at most 1280, or data.drop_last=false",
        ),
        (
            "cifar10",
            {"batch_size": 101, "train_size": 100},
            "data.batch_size=101: there are 100 training samples, and without the last, smaller "
            "batch none is left; at most 100, or data.drop_last=false",
        ),
        ("digits", {"crop": 8}, "data.crop=8: images are 8 pixels wide; at most 7"),
        ("synthetic", {"crop": 1}, "data.crop=1: needs images; samples have the shape [1000]"),
        (
            "synthetic",
            {"flip": True, "shape": [3, 4]},
            "data.flip=true: needs images; samples have the shape [3, 4]",
        ),
        (
            "synthetic",
            {"classes": 3, "samples": 14, "batch_size": 2},
            "data.samples=14: too few for 3 classes; at least 15",
        ),
        (
            "synthetic",
            {"shape": [10**6, 10**3, 10**3]},
            "data.name=synthetic: 5,120 training samples of 1,000,000,000,000 values; at most "
            "4,294,967,296 values",
        ),
        (
            "mnist",
            {"root": "/no/such/folder"},
            "data.root=/no/such/folder: no such folder; null looks in the usual places",
        ),
    ],
)
def test_one_line_for_one_problem(name, keys, line):
    assert check_data(config(name, **keys)) == [line]


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("digits", {"batch_size": 5000, "drop_last": False}),
        ("digits", {"batch_size": 1280, "train_size": 1280, "crop": 7, "flip": True}),
        ("synthetic", {"shape": [3, 8, 8], "crop": 2, "flip": True}),
        ("synthetic", {"samples": 10, "batch_size": 2}),
    ],
)
def test_limits_are_allowed(name, keys):
    assert check_data(config(name, **keys)) == []


@pytest.mark.parametrize("name", ["mnist", "image_folder"])
def test_a_name_that_no_folder_can_have(name):
    lines = check_data(config(name, root="a" * 5000))  # Python's versions differ in the words
    assert lines
    assert all(line.startswith("data.") for line in lines)


def test_all_problems_at_once():
    assert (
        len(check_data(config("synthetic", train_size=6000, batch_size=6000, flip=True, crop=1)))
        == 4
    )


def test_sizes_of_a_folder_are_counted(tmp_path):
    write_images(tmp_path, {"train/a": 15, "train/b": 15, "test/a": 1, "test/b": 1})
    keys = {"root": str(tmp_path), "drop_last": False}
    assert check_data(config("image_folder", train_size=27, **keys)) == []
    assert check_data(config("image_folder", train_size=28, **keys)) == [
        "data.train_size=28: image_folder has 27 training samples"
    ]
