"""Configurations and small files for the tests of bnexp.data."""

import gzip
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pydantic import TypeAdapter

from bnexp.config import AnyData
from bnexp.data.dataset import info
from bnexp.data.idx import read as idx
from bnexp.data.splits import Splits


def config(name: str, **changes: Any) -> AnyData:
    keys = {"batch_size": 64, "drop_last": True, "train_size": None, "split_seed": None}
    keys |= {"batch_sizes": None, "flip": False, "crop": 0, "lengths": None, "jitter": 0.0}
    keys |= {"test_rest": False}
    keys |= {
        "synthetic": {"shape": [1000], "classes": 2, "samples": 5120},
        "image_folder": {"image_size": 8, "channels": 3},
    }.get(name, {"kwargs": {}} if "." in name else {"root": None, "download": False})
    return TypeAdapter(AnyData).validate_python({"name": name} | keys | changes)


def splits_of(data: AnyData) -> Splits:
    return info(data).open(data).splits()


def idx_bytes(array: np.ndarray) -> bytes:
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return header + array.astype(np.uint8).tobytes()


def idx_dataset() -> dict[str, np.ndarray]:
    """6,000 and 50 images of 2x2 pixels; no two images are equal."""
    arrays = {}
    for part, start, count in (("train", 0, 6000), ("t10k", 6000, 50)):
        number = np.arange(start, start + count)
        pixels = np.stack([number % 256, number // 256, number % 7, number % 11], 1)
        arrays[f"{part}-images-idx3-ubyte"] = pixels.reshape(-1, 2, 2).astype(np.uint8)
        arrays[f"{part}-labels-idx1-ubyte"] = (number % 10).astype(np.uint8)
    return arrays


def write_idx(folder: Path, packed: bool) -> tuple[str, ...]:
    """Write `idx_dataset` and return the MD5s of the unpacked files, in the order of idx.FILES."""
    folder.mkdir(parents=True)
    arrays = idx_dataset()
    for name, array in arrays.items():
        data = idx_bytes(array)
        if packed:
            (folder / f"{name}.gz").write_bytes(gzip.compress(data))
        else:
            (folder / name).write_bytes(data)
    return tuple(hashlib.md5(idx_bytes(arrays[name])).hexdigest() for name in idx.FILES)


def write_images(root: Path, counts: dict[str, int], mode: str = "RGB") -> None:
    """PNG files of one colour each, `counts` by folder such as train/cat."""
    number = 0
    for folder, count in counts.items():
        (root / folder).mkdir(parents=True)
        for index in range(count):
            colour = (number % 256, number // 256, 7)
            image = Image.new("RGB", (5, 9), colour).convert(mode)
            image.save(root / folder / f"{index:04}.png")
            number += 1
