"""A tree of images, train/<class>/* and test/<class>/*: decoded once, resized to squares."""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image
from tqdm import tqdm

from bnexp.config import ImageFolder
from bnexp.data.cache import Source
from bnexp.data.splits import Splits, with_validation
from bnexp.errors import UserError

_SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")

Part = Literal["train", "test"]
Listing = dict[Part, dict[str, list[Path]]]  # part -> class -> files, all sorted


def listing(root: Path) -> Listing:
    """Every image of the tree; hidden files and other kinds of file are passed over.

    UserError has one line for each thing that is wrong with the tree.
    """
    missing = [part for part in ("train", "test") if not (root / part).is_dir()]
    if missing:
        raise UserError(
            *(f"data.root={root}: has no folder {part}/; it must hold train/<class>/* and "
              "test/<class>/*" for part in missing)
        )  # fmt: skip
    tree: Listing = {"train": _classes(root / "train"), "test": _classes(root / "test")}
    unknown = tree["test"].keys() - tree["train"].keys()
    problems = [
        f"data.root={root}: test/{name}/ has no counterpart train/{name}/"
        for name in sorted(unknown)
    ]
    problems += [
        f"data.root={root}: {part}/{name}/ holds no image; it must hold at least one of "
        + " ".join(_SUFFIXES)
        for part, classes in tree.items()
        for name, files in classes.items()
        if not files
    ]
    if len(tree["train"]) < 2:
        problems.append(f"data.root={root}: train/ must hold at least two folders, one per class")
    elif not tree["test"]:
        problems.append(f"data.root={root}: test/ must hold one folder per class")
    if problems:
        raise UserError(*problems)
    return tree


def validation_size(samples: int) -> int:
    """How many of the images in train/ are for validation: a tenth."""
    return max(1, samples // 10)


def source(data: ImageFolder) -> Source:
    """The tree, resized as `data` says."""
    root = Path(data.root).expanduser()
    tree = listing(root)
    stamp = [
        (part, name, file.name, (stat := file.stat()).st_size, stat.st_mtime_ns)
        for part, classes in tree.items()
        for name, files in classes.items()
        for file in files
    ]
    place = [str(root.resolve()), data.image_size, data.channels]
    size, channels = data.image_size, data.channels
    return Source(
        data.name, len(tree["train"]), place, stamp, partial(_decode, tree, size, channels)
    )


def _classes(folder: Path) -> dict[str, list[Path]]:
    visible = (entry for entry in os.scandir(folder) if not entry.name.startswith("."))
    names = sorted(entry.name for entry in visible if entry.is_dir())
    return {name: _images(folder / name) for name in names}


def _images(folder: Path) -> list[Path]:
    names = sorted(entry.name for entry in os.scandir(folder))
    return [
        folder / name
        for name in names
        if name.lower().endswith(_SUFFIXES) and not name.startswith(".")
    ]


def _decode(tree: Listing, size: int, channels: int) -> Splits:
    classes = list(tree["train"])

    def read(part: dict[str, list[Path]]) -> tuple[np.ndarray, np.ndarray]:
        files = [file for name in part for file in part[name]]
        labels = [classes.index(name) for name in part for _ in part[name]]
        return _read_all(files, size, channels), np.array(labels, dtype=np.int64)

    train, test = read(tree["train"]), read(tree["test"])
    return with_validation(*train, *test, validation_size(len(train[1])))


def _read_all(files: list[Path], size: int, channels: int) -> np.ndarray:
    images = np.empty((len(files), channels, size, size), dtype=np.uint8)

    def read(index: int) -> None:
        images[index] = _read(files[index], size, channels)

    pool = ThreadPoolExecutor(os.cpu_count())  # Pillow decodes without holding the interpreter
    try:
        done = pool.map(read, range(len(files)))
        for _ in tqdm(done, "reading images", len(files), unit="img", leave=False, disable=None):
            pass
    finally:
        pool.shutdown(cancel_futures=True)
    return images


def _read(file: Path, size: int, channels: int) -> np.ndarray:
    """Bilinear with antialiasing, to a square whatever the proportions; (C, H, W)."""
    try:
        with Image.open(file) as image:
            converted = image.convert("RGB" if channels == 3 else "L")
    except Exception as error:  # Pillow's decoders raise what they like
        raise UserError(f"{file}: unreadable image ({error}); repair or remove it") from error
    pixels = np.asarray(converted.resize((size, size), Image.Resampling.BILINEAR))
    return pixels.reshape(size, size, channels).transpose(2, 0, 1)
