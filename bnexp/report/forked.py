"""Work in processes that share what has been read so far."""

import multiprocessing
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any, TypeVar

from bnexp.cores import cores

T = TypeVar("T")


def forked(tasks: Sequence[Callable[[], T]]) -> Iterator[T]:
    """What each task returns, in their order; tasks run here where nothing can be shared."""
    global _tasks
    alone = threading.active_count() > 1 or sys.platform != "linux"
    if alone or len(tasks) < 2 or cores() < 2:
        yield from (task() for task in tasks)
        return
    _tasks = tasks
    context = multiprocessing.get_context("fork")
    with warnings.catch_warnings(), ProcessPoolExecutor(min(cores(), len(tasks)), context) as pool:
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking beside BLAS's threads
        yield from pool.map(_numbered, range(len(tasks)))


_tasks: Sequence[Callable[[], Any]] = []  # what forked processes find


def _numbered(number: int) -> Any:
    return _tasks[number]()
