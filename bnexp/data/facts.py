"""Find a dataset and say what it is. Imports no torch unless files must be read for it."""

from dataclasses import replace
from pathlib import Path

from bnexp.config import AnyData, Builtin, ImageFolder, Synthetic
from bnexp.data import cifar, digits, idx, image_folder, synthetic
from bnexp.data.cache import Facts, Source
from bnexp.data.download import download, downloads
from bnexp.errors import UserError

_DEBIAN = Path("/usr/share/datasets/fashion-mnist")  # of the package dataset-fashion-mnist
_CONTENT_KEYS = {"name", "root", "image_size", "channels", "shape", "classes", "samples"}
_known: dict[str, Facts] = {}  # of this process: a sweep asks for the same dataset many times


def describe(data: AnyData) -> Facts:
    """The dataset's shape, sizes and content hash; `train` is after `data.train_size`.

    Decodes, or downloads, the files only where the cache does not know them. Raises UserError
    where the dataset is missing or damaged, or has too few training samples.
    """
    key = data.model_dump_json(include=_CONTENT_KEYS)
    if key not in _known:
        _known[key] = synthetic.facts(data) if isinstance(data, Synthetic) else source(data).facts()
    facts = _known[key]
    if data.train_size is None:
        return facts
    if data.train_size > facts.train:
        raise UserError(too_large(data, facts.train))
    return replace(facts, train=data.train_size)


def too_large(data: AnyData, train: int) -> str:
    """The line for a `train_size` above the `train` samples that there are."""
    return f"data.train_size={data.train_size}: {data.name} has {train} training samples"


def source(data: Builtin | ImageFolder) -> Source:
    """The files of any dataset but the synthetic one; UserError where there are none."""
    if isinstance(data, ImageFolder):
        return image_folder.source(data)
    if data.name == "digits":
        return digits.source()
    return _find(data) or _find_downloaded(data)


def _find(data: Builtin) -> Source | None:
    root = [Path(data.root).expanduser()] if data.root else []
    debian = [_DEBIAN] if data.name == "fashion_mnist" else []
    module = cifar if data.name.startswith("cifar") else idx
    for folder in (*root, *debian, downloads(data.name)):
        if found := module.find(data.name, folder):
            return found
    return None


def _find_downloaded(data: Builtin) -> Source:
    reason = "data.download is off"
    if data.download:
        try:
            download(data.name)
        except UserError as error:
            reason = f"downloading failed: {error}"
        else:
            reason = f"{downloads(data.name)} is incomplete: delete it"
    if found := _find(data):
        return found
    if data.name.startswith("cifar"):
        files = f"{cifar.FOLDERS[data.name]}/"
    else:
        files = " ".join(f"{file}.gz" for file in idx.FILES)
    raise UserError(
        f"data.root={data.root or 'null'}: no {data.name} found ({reason}); put {files} into a "
        "folder and set data.root to it; data=digits works without network"
    )
