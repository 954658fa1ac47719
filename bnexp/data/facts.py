"""Say what a dataset is. Imports no torch unless files must be read for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from bnexp.data.cache import Facts
from bnexp.data.dataset import Data, info
from bnexp.errors import UserError

_COMMON = set(Data.model_fields) - {"name"}  # the keys that do not say which data these are
_known: dict[str, Facts] = {}  # of this process: a sweep asks for the same dataset many times


def describe(data: Data) -> Facts:
    """The dataset's shape, sizes and content hash, after `data.train_size` and `data.test_rest`.

    Decodes, or downloads, the files only where the cache does not know them. Raises UserError
    where the dataset is missing or damaged, or has too few training samples.
    """
    key = data.model_dump_json(exclude=_COMMON)
    if key not in _known:
        with readable(data):
            _known[key] = info(data).open(data).facts()
    facts = _known[key]
    if data.train_size is None:
        return facts
    if data.train_size > facts.train:
        raise UserError(too_large(data, facts.train))
    rest = facts.train - data.train_size if rest_is_tested(data) else 0
    return replace(facts, train=data.train_size, test=facts.test + rest)


def rest_is_tested(data: Data) -> bool:
    """Whether the training samples that `data.train_size` leaves over join the test part."""
    return data.test_rest and not info(data).official_test


@contextmanager
def readable(data: Data) -> Iterator[None]:
    """Turn an OSError in reading the dataset's files into a UserError of one line."""
    try:
        yield
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        text = f"data.name={data.name}: {where}{error.strerror or error}"
        raise UserError(text) from error


def too_large(data: Data, train: int) -> str:
    """The line for a `train_size` above the `train` samples that there are."""
    return f"data.train_size={data.train_size}: {data.name} has {train} training samples"
