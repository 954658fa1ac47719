"""Find a dataset's files, or download them by torchvision, whole or not at all."""

import contextlib
import io
import socket
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from http.client import HTTPException
from pathlib import Path

from filelock import FileLock

from bnexp.data.cache import Cached, cache_folder
from bnexp.data.dataset import Files
from bnexp.errors import UserError

_CLASSES = {
    "mnist": "MNIST",
    "fashion_mnist": "FashionMNIST",
    "kmnist": "KMNIST",
    "cifar10": "CIFAR10",
    "cifar100": "CIFAR100",
}
_TIMEOUT_SECONDS = 20.0  # of silence


def locate(
    data: Files,
    find: Callable[[str, Path], Cached | None],
    files: str,
    usual: Iterable[Path] = (),
) -> Cached:
    """What `find` finds in `data.root`, in the `usual` places or in the cache, else downloads.

    Where nothing is found, a UserError says which `files` to provide.
    """
    root = [Path(data.root)] if data.root else []
    places = *root, *usual, downloads(data.name)

    def found() -> Cached | None:
        return next((source for place in places if (source := find(data.name, place))), None)

    if (source := found()) is not None:
        return source
    reason = "data.download is off"
    if data.download:
        try:
            download(data.name)
        except UserError as error:
            reason = f"downloading failed: {error}"
        else:
            reason = f"{downloads(data.name)} is incomplete: delete it"
    if (source := found()) is not None:
        return source
    raise UserError(
        f"data.root={data.root or 'null'}: no {data.name} found ({reason}); put {files} into a "
        "folder and set data.root to it; data=digits works without network"
    )


def downloads(name: str) -> Path:
    """The folder for what is downloaded of a dataset."""
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
