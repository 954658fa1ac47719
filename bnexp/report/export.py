"""Tables as tidy files: CSV, and Parquet where asked."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from bnexp.errors import UserError
from bnexp.report.labels import canonical
from bnexp.runs.show import without_formulas


@contextmanager
def writing(path: Path, says: str = "--out") -> Iterator[None]:
    """Turn an OSError in writing to `path`, a file or a folder, into a UserError of one line.

    `says` is what the command line calls the place.
    """
    try:
        yield
    except OSError as error:
        where = error.filename or path
        reason = error.strerror or type(error).__name__
        raise UserError(f"{where}: cannot be written: {reason}; {says} says where to") from None


def expect_folder(path: Path, says: str = "--out") -> None:
    """Raise UserError where no file could be written in a folder `path`, which is not made."""
    with writing(path, says):
        there = next(place for place in (path, *path.parents) if place.exists())
        if not there.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(there))
        if not os.access(there, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(there))


def write_table(table: pd.DataFrame, stem: Path, parquet: bool = False) -> list[Path]:
    """Write `stem`.csv and, if asked, `stem`.parquet; return what was written.

    Raises UserError where Parquet is asked for without pyarrow.
    """
    stem.parent.mkdir(parents=True, exist_ok=True)
    csv = stem.with_name(f"{stem.name}.csv")
    without_formulas(table).to_csv(csv, index=False, lineterminator="\n")
    if not parquet:
        return [csv]
    path = stem.with_name(f"{stem.name}.parquet")
    try:
        _plain(table).to_parquet(path, index=False, engine="pyarrow")
    except ImportError:
        raise UserError("parquet needs bnexp[parquet]: pip install 'bnexp[parquet]'") from None
    return [csv, path]


def _plain(table: pd.DataFrame) -> pd.DataFrame:
    """Columns of mixed values, lists and dictionaries as JSON: Parquet has one type a column."""
    mixed = [
        name for name in map(str, table)
        if table[name].dtype == object
        and not all(value is None or isinstance(value, str) for value in table[name])
    ]  # fmt: skip
    return table.assign(**{name: table[name].map(canonical) for name in mixed})
