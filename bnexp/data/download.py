"""Downloads by torchvision, into the user's cache folder, whole or not at all."""

import contextlib
import io
import socket
import sys
import tempfile
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path

from filelock import FileLock

from bnexp.data.cache import cache_folder
from bnexp.errors import UserError

_CLASSES = {
    "mnist": "MNIST",
    "fashion_mnist": "FashionMNIST",
    "kmnist": "KMNIST",
    "cifar10": "CIFAR10",
    "cifar100": "CIFAR100",
}
_TIMEOUT_SECONDS = 20.0  # of silence


def downloads(name: str) -> Path:
    """The folder that holds what was downloaded of a dataset."""
    return cache_folder() / "downloads" / name


def download(name: str) -> None:
    """Fill `downloads(name)`. UserError with the reason, in one line, where that fails."""
    folder = downloads(name)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.parent / f"{name}.lock"):
            if not folder.exists():
                _fetch(name, folder)
    except (RuntimeError, OSError, HTTPException) as error:
        reason = next((line for line in reversed(str(error).splitlines()) if line.strip()), "")
        raise UserError(reason or type(error).__name__) from error


def _fetch(name: str, folder: Path) -> None:
    from torchvision import datasets

    with tempfile.TemporaryDirectory(dir=folder.parent, ignore_cleanup_errors=True) as temporary:
        part = Path(temporary) / name
        with _timeout(), _quiet_unless_terminal():
            getattr(datasets, _CLASSES[name])(part, download=True)
        part.rename(folder)


@contextlib.contextmanager
def _timeout() -> Iterator[None]:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_TIMEOUT_SECONDS)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _quiet_unless_terminal() -> contextlib.AbstractContextManager[object]:
    """torchvision's progress bars are for a terminal only."""
    if sys.stderr.isatty():
        return contextlib.nullcontext()
    return contextlib.redirect_stderr(io.StringIO())
