"""Read files of the idx format, and know those of MNIST, Fashion-MNIST and KMNIST."""

import gzip
import hashlib
import math
import zlib
from functools import partial
from pathlib import Path

import numpy as np

from bnexp.data.cache import Cached, files_stamp
from bnexp.data.dataset import Files
from bnexp.data.download import locate
from bnexp.data.splits import Splits, with_validation
from bnexp.errors import UserError

FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)

# Of the unpacked files, so that repacked copies such as Debian's pass; of KMNIST only the MD5 of
# the packed files is published.
_MD5 = {
    "mnist": (
        "6bbc9ace898e44ae57da46a324031adb",
        "a25bea736e30d166cdddb491f175f624",
        "2646ac647ad5339dbf082846283269ea",
        "27ae3e4e09519cfbb04c329615203637",
    ),
    "fashion_mnist": (
        "f4a8712d7a061bf5bd6d2ca38dc4d50a",
        "9018921c3c673c538a1fc5bad174d6f9",
        "8181f5470baa50b63fa0f6fddb340f0a",
        "15d484375f8d13e6eb1aabb0c3f46965",
    ),
    "kmnist": (
        "bdb82020997e1d708af4cf47b453dcf7",
        "e144d726b3acfaa3e44228e80efcd344",
        "5c965bf0a639b31b8f53240b1b52f4d7",
        "7320c461ea6c1c855c0b718fb2a4b134",
    ),
}
_FOLDERS = {
    "mnist": ("", "raw", "MNIST/raw", "MNIST", "mnist"),
    "fashion_mnist": ("", "raw", "FashionMNIST/raw", "FashionMNIST", "fashion-mnist"),
    "kmnist": ("", "raw", "KMNIST/raw", "KMNIST", "kmnist"),
}
_DEBIAN = Path("/usr/share/datasets/fashion-mnist")  # of the package dataset-fashion-mnist


def source(data: Files) -> Cached:
    """The four files, wherever they are found; UserError where they are not."""
    debian = [_DEBIAN] if data.name == "fashion_mnist" else []
    return locate(data, find, " ".join(f"{file}.gz" for file in FILES), debian)


def find(name: str, root: Path) -> Cached | None:
    """The dataset in `root` or below: as Debian, torchvision or the publisher lays it out."""
    for folder in (root / below for below in _FOLDERS[name]):
        paths = []
        for file in FILES:  # the packed file first: it carries a checksum of its own
            both = folder / f"{file}.gz", folder / file
            paths += [path for path in both if path.is_file()][:1]
        if len(paths) == len(FILES):
            place, stamp = str(folder.resolve()), files_stamp(paths)
            return Cached(name, 10, place, stamp, partial(decode, name, paths))
    return None


def decode(name: str, paths: list[Path]) -> Splits:
    """Check the four files and read them. UserError names the file that is not as published."""
    for path, md5 in zip(paths, _MD5[name], strict=True):
        packed, unpacked = _contents(path)
        found = [
            hashlib.md5(data, usedforsecurity=False).hexdigest() for data in (packed, unpacked)
        ]
        if md5 not in found:
            raise UserError(
                f"{path}: damaged, or no file of {name}: MD5 {found[1]}, must be {md5}; "
                "replace or delete it"
            )
    train_x, train_y, test_x, test_y = [read_idx(path) for path in paths]
    return with_validation(
        train_x[:, None], train_y.astype(np.int64), test_x[:, None], test_y.astype(np.int64), 5000
    )


def read_idx(path: Path) -> np.ndarray:
    """An idx file of unsigned bytes, packed with gzip if its name ends in .gz."""
    data = _contents(path)[1]
    dims = data[3] if data[:3] == b"\0\0\x08" else 0
    if dims and len(data) >= 4 + 4 * dims:
        shape = tuple(int(size) for size in np.frombuffer(data, ">u4", dims, 4))
        if len(data) == 4 + 4 * dims + math.prod(shape):
            return np.frombuffer(data, np.uint8, offset=4 + 4 * dims).reshape(shape).copy()
    raise UserError(f"{path}: no whole idx file of bytes; replace or delete it")


def _contents(path: Path) -> tuple[bytes, bytes]:
    """The bytes of a file as they are, and unpacked."""
    packed = path.read_bytes()
    if path.suffix != ".gz":
        return packed, packed
    try:
        return packed, gzip.decompress(packed)
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path}: damaged: {error}; replace or delete it") from error
