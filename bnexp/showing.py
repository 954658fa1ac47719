"""Output that never makes a run fail: closed pipes, consoles that lack some characters."""

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, ParamSpec

P = ParamSpec("P")


def harmless(show: Callable[P, Any]) -> Callable[P, None]:
    """`show`, with errors of writing swallowed: training goes on without an audience."""

    def shown(*args: P.args, **kwargs: P.kwargs) -> None:
        with suppress(OSError, ValueError):  # also: closed file, sign that cannot be encoded
            show(*args, **kwargs)

    return shown


def printable(text: str) -> str:
    """Text on one line: line breaks, and what else a terminal would act upon, are spelled out."""
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)


def prepare_streams() -> None:
    """Let a console show a character that it lacks as `?`, rather than raise."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def finish_streams() -> None:
    """Flush the output; a reader that has gone (`bnexp list | head -1`) is no error."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            with suppress(OSError, ValueError, AttributeError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
