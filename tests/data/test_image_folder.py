import os
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from bnexp.compose import compose
from bnexp.data import check_data, describe, facts, load, tensors
from bnexp.errors import UserError
from bnexp.plan import plan
from tests.data.builders import config, splits_of, write_images

COUNTS = {"train/cat": 40, "train/ant": 60, "test/cat": 3, "test/ant": 2}


@pytest.fixture
def root(empty_cache, tmp_path):
    write_images(tmp_path / "images", COUNTS)
    return tmp_path / "images"


def problems_of(root):
    with pytest.raises(UserError) as error:
        describe(config("image_folder", root=str(root)))
    return error.value.lines


def problems(root):
    lines = problems_of(root)
    assert check_data(config("image_folder", root=str(root))) == lines
    return lines


def test_splits_labels_and_pixels(root):
    data = config("image_folder", root=str(root), image_size=6)
    found = describe(data)
    assert (found.shape, found.classes) == ((3, 6, 6), 2)
    assert (found.train, found.val, found.test) == (90, 10, 5)
    assert check_data(data) == []
    splits = splits_of(data)
    assert np.bincount(splits.val_y).tolist() == [6, 4]  # ant, cat: in alphabetical order
    numbers = np.concatenate([splits.train_x, splits.val_x])
    assert (numbers == numbers[:, :, :1, :1]).all()  # of one colour, still
    numbers = numbers[:, :, 0, 0]
    assert sorted(numbers[:, 0]) == list(range(100))
    assert (numbers[:, 2] == 7).all()
    labels = np.concatenate([splits.train_y, splits.val_y])
    assert np.array_equal(labels, numbers[:, 0] < 40)  # cats were written first
    assert splits.test_y.tolist() == [0, 0, 1, 1, 1]


def test_resizing_is_antialiased(empty_cache, tmp_path):
    """A fine chequerboard becomes grey; nearest or plain bilinear sampling would alias."""
    write_images(tmp_path, COUNTS)
    board = (np.indices((64, 64)).sum(0) % 2 * 255).astype(np.uint8)
    Image.fromarray(board).save(tmp_path / "test/ant/0000.png")
    splits = splits_of(config("image_folder", root=str(tmp_path), image_size=8))
    assert np.abs(splits.test_x[0].astype(int) - 127).max() <= 2


@pytest.mark.parametrize("mode", ["L", "P", "RGB"])
def test_grey_images(empty_cache, tmp_path, mode):
    write_images(tmp_path, COUNTS, mode)
    data = config("image_folder", root=str(tmp_path), channels=1)
    assert load(data).train_x.shape == (90, 1, 8, 8)
    colour = load(config("image_folder", root=str(tmp_path), channels=3))
    assert colour.train_x.shape == (90, 3, 8, 8)


def test_content_is_the_same_in_another_folder(root, tmp_path):
    here = describe(config("image_folder", root=str(root)))
    root.rename(tmp_path / "moved")
    assert describe(config("image_folder", root=str(tmp_path / "moved"))) == here


def test_content_changes_with_a_pixel_and_with_the_size(root):
    def content(size):
        facts._known.clear()
        return describe(config("image_folder", root=str(root), image_size=size)).content

    before = content(8), content(9)
    Image.new("RGB", (5, 9), (1, 2, 3)).save(root / "test/cat/0000.png")
    assert len({*before, content(8), content(9)}) == 4


def test_unchanged_files_are_read_once_and_changed_ones_anew(root):
    data = config("image_folder", root=str(root))
    before = describe(data)
    path = root / "train/cat/0007.png"
    stat = path.stat()
    path.write_bytes(b"x" * stat.st_size)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    facts._known.clear()
    assert describe(data) == before
    os.utime(path)
    facts._known.clear()
    with pytest.raises(UserError) as error:
        describe(data)
    (line,) = error.value.lines
    assert line.startswith(f"{path}: unreadable image (")


def test_other_files_are_passed_over_and_counted(root):
    before = describe(config("image_folder", root=str(root)))
    assert before.note is None
    for name in (
        "train/.ipynb_checkpoints/x.png", "train/cat/.x.png", "train/cat/notes.txt",
        "train/cat/a.HEIC", "train/cat/b.HEIC", "test/ant/2024/x.png", "train/README",
    ):  # fmt: skip
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text("no image")
    (root / "train/cat/link.png").symlink_to("nowhere.png")
    (root / "test/fox").symlink_to("nowhere")
    os.mkfifo(root / "train/ant/pipe.png")
    facts._known.clear()
    after = describe(config("image_folder", root=str(root)))
    assert replace(after, note=None) == before
    assert after.note == (
        "data.root: passed over 2 of kind .HEIC, 2 links to nowhere, "
        "1 outside of a class's folder, 1 that are no files, 1 of kind .txt, 1 deeper folders"
    )
    typed = ["data=image_folder", f"data.root={root}", "data.batch_size=2", "model=mlp"]
    assert plan(*compose(typed)).notes == (after.note,)


def test_files_that_change_between_planning_and_loading(root, monkeypatch):
    for kept in ("_latest", "_undivided"):
        monkeypatch.setattr(tensors, kept, {})
    data = config("image_folder", root=str(root))
    planned = describe(data)
    Image.new("RGB", (5, 9), (1, 2, 3)).save(root / "test/cat/0000.png")
    for use in (data, data.model_copy(update={"split_seed": 1})):
        with pytest.raises(UserError, match="image_folder: changed since the run was planned"):
            load(use, planned.content)
    facts._known.clear()
    with pytest.raises(UserError, match="image_folder: changed since the run was planned"):
        load(data, planned.content)
    assert load(data).classes == 2


def test_links_to_images_and_folders_are_followed(root, tmp_path):
    before = describe(config("image_folder", root=str(root)))
    (root / "train/cat").rename(tmp_path / "cat")
    (root / "train/cat").symlink_to(tmp_path / "cat")
    (root / "train/ant/0000.png").rename(tmp_path / "0000.png")
    (root / "train/ant/0000.png").symlink_to(tmp_path / "0000.png")
    facts._known.clear()
    assert describe(config("image_folder", root=str(root))) == before


def test_broken_files_are_all_named(root):
    """https://github.com/pytorch/vision/issues/485"""
    for name in ("train/cat/0001.png", "test/ant/0000.png"):
        (root / name).write_bytes((root / name).read_bytes()[:45])
    named = ", ".join(line.partition(": ")[0] for line in problems_of(root))
    assert named == f"{root / 'test/ant/0000.png'}, {root / 'train/cat/0001.png'}"


def test_files_broken_in_the_same_way_share_a_line(root):
    """Images of floats have no agreed range, however many there are."""
    paths = sorted((root / "train").rglob("*.png"))[:3]
    for path in paths:
        Image.fromarray(np.zeros((4, 4), np.float32)).save(path, format="TIFF")
    [line] = problems_of(root)
    assert line.startswith(f"{paths[0]}, {paths[1]} and 1 more: unreadable image (")


def test_a_folder_that_may_not_be_read(root, monkeypatch):
    def refuse(folder):
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(os, "scandir", refuse)
    assert problems(root) == [f"data.name=image_folder: {root}/train: Permission denied"]


def test_no_such_tree(tmp_path):
    assert problems(tmp_path / "nowhere") == [
        f"data.root={tmp_path}/nowhere: has no folder {part}/; it must hold train/<class>/* and "
        "test/<class>/*"
        for part in ("train", "test")
    ]


def test_every_problem_of_a_tree_is_a_line(empty_cache, tmp_path):
    write_images(tmp_path, {"train/cat": 2, "train/dog": 0, "test/cat": 1, "test/cow": 1})
    assert problems(tmp_path) == [
        f"data.root={tmp_path}: train/dog/ has no counterpart test/dog/",
        f"data.root={tmp_path}: test/cow/ has no counterpart train/cow/",
        f"data.root={tmp_path}: train/dog/ holds no image; it must hold at least one of "
        ".bmp .gif .jpeg .jpg .pgm .png .ppm .tif .tiff .webp",
    ]


@pytest.mark.parametrize(
    ("counts", "line"),
    [
        (
            {"train/cat": 2, "test/cat": 1},
            "train/ must hold at least two folders, one per class",
        ),
        (
            {"train/cat": 2, "train/dog": 1, "test/cat": 1, "test/dog": 1},
            "train/dog/ holds one image; a class needs two, as a tenth of all is for validation",
        ),
        (
            {"train/cat": 2, "train/dog": 2, "test/dog": 1},
            "train/cat/ has no counterpart test/cat/",
        ),
        ({"train/cat": 2, "train/dog": 2, "test": 0}, "test/ must hold one folder per class"),
    ],
)
def test_too_few_classes(tmp_path, counts, line):
    write_images(tmp_path, counts)
    assert problems(tmp_path) == [f"data.root={tmp_path}: {line}"]
