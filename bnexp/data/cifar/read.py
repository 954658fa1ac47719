"""Read the batches of CIFAR-10 and CIFAR-100."""

import hashlib
import pickle
from functools import partial
from pathlib import Path

import numpy as np

from bnexp.data.cache import Cached, files_stamp
from bnexp.data.dataset import Files
from bnexp.data.download import locate
from bnexp.data.splits import Splits, with_validation
from bnexp.errors import UserError

FILES = {
    "cifar10": [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"],
    "cifar100": ["train", "test"],
}
FOLDERS = {"cifar10": "cifar-10-batches-py", "cifar100": "cifar-100-python"}


def source(data: Files) -> Cached:
    """The batches, wherever they are found; UserError where they are not."""
    return locate(data, find, f"{FOLDERS[data.name]}/")


def find(name: str, root: Path) -> Cached | None:
    """The dataset in `root` or in the folder below it that the publisher's archive makes."""
    for folder in (root, root / FOLDERS[name]):
        paths = [folder / file for file in FILES[name]]
        if all(path.is_file() for path in paths):
            place, stamp = str(folder.resolve()), files_stamp(paths)
            return Cached(
                name, 10 if name == "cifar10" else 100, place, stamp, partial(_decode, name, paths)
            )
    return None


def _decode(name: str, paths: list[Path]) -> Splits:
    from torchvision import datasets

    published = getattr(datasets, name.upper())
    batches = []
    for path, (_, md5) in zip(paths, published.train_list + published.test_list, strict=True):
        data = path.read_bytes()
        found = hashlib.md5(data, usedforsecurity=False).hexdigest()
        if found != md5:  # and so nothing but the publisher's files is ever unpickled
            raise UserError(
                f"{path}: damaged, or no file of {name}: MD5 {found}, must be {md5}; "
                "replace or delete it"
            )
        batches.append(read_batch(data))
    *train, (test_x, test_y) = batches
    train_x, train_y = (np.concatenate(parts) for parts in zip(*train, strict=True))
    return with_validation(train_x, train_y, test_x, test_y, val=5000)


def read_batch(data: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 (N, 3, 32, 32) and labels (N,) of one pickled batch."""
    batch = pickle.loads(data, encoding="latin1")
    labels = batch["labels"] if "labels" in batch else batch["fine_labels"]
    return batch["data"].reshape(-1, 3, 32, 32), np.array(labels, dtype=np.int64)
