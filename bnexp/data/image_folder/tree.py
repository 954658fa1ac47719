"""A tree of images, train/<class>/* and test/<class>/*: decoded once, resized to squares."""

import os
import warnings
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from bnexp.data.cache import Cached
from bnexp.data.image_folder import ImageFolder
from bnexp.data.image_folder.pixels import MOST_PIXELS, read_image
from bnexp.data.splits import Splits, with_validation
from bnexp.errors import UserError

_SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
_PARTS = ("train", "test")
_MOST_NAMED = 20  # broken files


@dataclass
class Tree:
    """The files of every class of a part, sorted, and how many others were passed over."""

    files: dict[str, dict[str, list[Path]]] = field(default_factory=dict)  # part -> class -> files
    passed_over: Counter[str] = field(default_factory=Counter)

    @property
    def note(self) -> str:
        """What was passed over, in words."""
        counts = [f"{count} {what}" for what, count in self.passed_over.most_common()]
        return f"passed over {', '.join(counts)}"


def find_images(root: Path) -> Tree:
    """Every image of the tree. Hidden files are skipped silently, other files are counted.

    UserError has one line for each thing that is wrong with the tree.
    """
    missing = [part for part in _PARTS if not (root / part).is_dir()]
    if missing:
        raise UserError(
            *(f"data.root={root}: has no folder {part}/; it must hold train/<class>/* and "
              "test/<class>/*" for part in missing)
        )  # fmt: skip
    tree = Tree()
    for part in _PARTS:
        tree.files[part] = _classes(root / part, tree.passed_over)
    if problems := _problems(tree.files["train"], tree.files["test"]):
        raise UserError(*(f"data.root={root}: {problem}" for problem in problems))
    return tree


def _problems(train: dict[str, list[Path]], test: dict[str, list[Path]]) -> list[str]:
    problems = [
        f"{part}/{name}/ has no counterpart {other}/{name}/"
        for part, classes, other, others in (
            ("train", train, "test", test),
            ("test", test, "train", train),
        )
        if others
        for name in sorted(classes.keys() - others.keys())
    ]
    problems += [
        f"{part}/{name}/ holds no image; it must hold at least one of {' '.join(_SUFFIXES)}"
        for part, classes in (("train", train), ("test", test))
        for name, files in classes.items()
        if not files
    ]
    problems += [
        f"train/{name}/ holds one image; a class needs two, as a tenth of all is for validation"
        for name, files in train.items()
        if len(files) == 1
    ]
    if len(train) < 2:
        problems.append("train/ must hold at least two folders, one per class")
    elif not test:
        problems.append("test/ must hold one folder per class")
    return problems


def _classes(folder: Path, passed_over: Counter[str]) -> dict[str, list[Path]]:
    classes = []
    for entry in _visible(folder):
        if entry.is_dir():
            classes.append(entry.name)
        else:
            passed_over["outside of a class's folder" if entry.is_file() else _odd(entry)] += 1
    return {name: _images(folder / name, passed_over) for name in classes}


def _images(folder: Path, passed_over: Counter[str]) -> list[Path]:
    images = []
    for entry in _visible(folder):
        if not entry.is_file():
            passed_over[_odd(entry)] += 1
        elif entry.name.lower().endswith(_SUFFIXES):
            images.append(folder / entry.name)
        else:
            passed_over[f"of kind {Path(entry.name).suffix or 'unknown'}"] += 1
    return images


def _visible(folder: Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        found = [entry for entry in entries if not entry.name.startswith(".")]
    return sorted(found, key=lambda entry: entry.name)


def _odd(entry: os.DirEntry[str]) -> str:
    if entry.is_dir():
        return "deeper folders"
    return "links to nowhere" if entry.is_symlink() else "that are no files"


def validation_size(samples: int) -> int:
    """How many of the images in train/ are for validation: a tenth."""
    return max(1, samples // 10)


def training_size(data: ImageFolder) -> int:
    """How many images are for training. UserError as `find_images`."""
    samples = sum(map(len, find_images(Path(data.root)).files["train"].values()))
    return samples - validation_size(samples)


def source(data: ImageFolder) -> Cached:
    """The tree, resized as `data` says."""
    root = Path(data.root)
    tree = find_images(root)
    stamp = [
        (part, name, file.name, (stat := file.stat()).st_size, stat.st_mtime_ns)
        for part, classes in tree.files.items()
        for name, files in classes.items()
        for file in files
    ]
    place = [str(root.resolve()), data.image_size, data.channels]
    decode = partial(_decode, tree, data.image_size, data.channels)
    note = f"data.root: {tree.note}" if tree.passed_over else None
    return Cached(data.name, len(tree.files["train"]), place, stamp, decode, note)


def _decode(tree: Tree, size: int, channels: int) -> Splits:
    files = [file for part in _PARTS for files in tree.files[part].values() for file in files]
    images = _read_all(files, size, channels)
    labels = [
        np.repeat(np.arange(len(classes)), [len(files) for files in classes.values()])
        for classes in tree.files.values()
    ]
    train = len(labels[0])
    return with_validation(
        images[:train], labels[0], images[train:], labels[1], validation_size(train)
    )


def _read_all(files: list[Path], size: int, channels: int) -> np.ndarray:
    """Decode all files. UserError names the broken ones, a line for each reason."""
    images = np.empty((len(files), channels, size, size), dtype=np.uint8)
    problems: dict[str, str] = {}

    def one(index: int) -> None:
        if len(problems) < _MOST_NAMED:
            try:
                images[index] = read_image(files[index], size, channels)
            except Exception as error:  # Pillow's decoders raise what they like
                problems[str(files[index])] = _reason(error)

    pool = ThreadPoolExecutor(os.cpu_count())  # Pillow decodes without holding the interpreter
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what Pillow says of tags that it passes over
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            done = pool.map(one, range(len(files)))
            for _ in tqdm(
                done, "reading images", len(files), unit="img", leave=False, disable=None
            ):
                pass
    finally:
        pool.shutdown(cancel_futures=True)
    if problems:
        more = ["further files were not tried"] if len(problems) >= _MOST_NAMED else []
        raise UserError(*_lines(problems), *more)
    return images


def _lines(problems: dict[str, str]) -> list[str]:
    """A line for each reason, with the first two files that it holds for."""
    files: dict[str, list[str]] = {}
    for file, reason in sorted(problems.items()):
        files.setdefault(reason, []).append(file)
    return [
        f"{', '.join(named[:2])}{f' and {len(named) - 2} more' if named[2:] else ''}: {reason}"
        for reason, named in files.items()
    ]


def _reason(error: Exception) -> str:
    if isinstance(error, Image.DecompressionBombWarning | Image.DecompressionBombError):
        return f"more than {MOST_PIXELS / 1e6:.0f} megapixels; make it smaller"
    text = str(error).partition("\n")[0]
    return f"unreadable image ({text or type(error).__name__}); repair or remove it"
