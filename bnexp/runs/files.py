"""Files that are whole or not there."""

import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, TypeAlias

Write: TypeAlias = Callable[[IO[bytes]], object]


def write_each(files: Mapping[Path, Write], sync: bool = True) -> None:
    """Let each function fill a temporary file beside its path; bring all to the disk; rename them.

    They are renamed in the order given, once all of them are on the disk. Without `sync` that is
    left to the system: what a power cut may take must be made again by who finds it missing or
    empty. Who may read the files is for the umask to say.
    """
    temporary = {path: path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp") for path in files}
    try:
        for path, write in files.items():
            with temporary[path].open("xb") as file:
                write(file)
                file.flush()
                if sync:
                    os.fsync(file.fileno())
        for path in files:
            temporary[path].replace(path)
    except BaseException:
        for left in temporary.values():
            left.unlink(missing_ok=True)
        raise


def write_whole(path: Path, write: Write) -> None:
    """Let `write` fill a temporary file beside `path`, bring it to the disk, and rename it."""
    write_each({path: write})


def write_texts(texts: Mapping[Path, str], sync: bool = True) -> None:
    """Write each text as UTF-8, whole or not at all, in this order."""
    write_each({path: _writer(text) for path, text in texts.items()}, sync)


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8, whole or not at all."""
    write_texts({path: text})


def _writer(text: str) -> Write:
    return lambda file: file.write(text.encode())
