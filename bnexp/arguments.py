"""A command line of `bnexp train` as it was typed: its flags, its overrides, what is recorded."""

import argparse
import re
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NoReturn

from bnexp.errors import UserError

_ADDRESS = re.compile(r"[\w+.-]+://(?:[^\s'\"\]}@]*@)?[^,\s'\"\]}]*")
LARGEST = 100_000  # values in a file of configuration


def parser() -> argparse.ArgumentParser:
    """Hydra's parser, with our own flags added."""
    from hydra._internal.utils import get_args_parser

    hydras: argparse.ArgumentParser = get_args_parser()
    hydras.add_argument("--dry-run", action="store_true")
    hydras.add_argument("--live", action="store_true")
    hydras.error = _complain  # type: ignore[method-assign]
    return hydras


def _complain(message: str) -> NoReturn:
    raise UserError(f"train: {' '.join(message.split())}; see bnexp train --help")


def parse(arguments: Iterable[str]) -> argparse.Namespace:
    """Flags and overrides, in whatever order they were typed. Raises UserError."""
    options = parser().parse_intermixed_args(list(arguments))
    if options.experimental_rerun is not None:
        raise UserError("--experimental-rerun: not here; the same command goes on where it was")
    if (options.resolve or options.package) and not (options.cfg or options.help):
        raise UserError("--resolve, --package: say how --cfg shows; they need --cfg")
    if options.dry_run:
        options.overrides.append("dry_run=true")
    if options.live:
        options.overrides.append("live=live")
    return options


def config_folders(options: argparse.Namespace) -> list[Path]:
    """The user's own folders of configurations. Raises UserError for one that is not there."""
    named = [("--config-dir", options.config_dir), ("--config-path", options.config_path)]
    for override in options.overrides:
        key, _, value = override.partition("=")
        if key.lstrip("+") == "hydra.searchpath":
            named += [(key, path.strip(" '\"")) for path in value.strip("[]").split(",")]
    folders = []
    for flag, text in named:
        if text and (text.startswith("file://") or "://" not in text):
            folders.append(Path(text.removeprefix("file://")))
            if not folders[-1].is_dir():
                raise UserError(f"{flag}={text}: no such folder")
    for folder in folders:
        for path in [*folder.glob("*.yaml"), *folder.glob("*/*.yaml")]:
            if _size(path) > LARGEST:
                raise UserError(f"{path.name}: more than {LARGEST:,} values, aliases written out")
    return folders


def _size(path: Path) -> int:
    """How many values a YAML file holds once its aliases are written out; 0 if it is not YAML."""
    import yaml

    sizes: dict[int, int] = {}

    def size(node: Any) -> int:
        if id(node) not in sizes:
            sizes[id(node)] = LARGEST + 1  # what an alias to something around it comes to
            parts = node.value if isinstance(node, yaml.CollectionNode) else []
            inner = [part for item in parts for part in (item if type(item) is tuple else (item,))]
            sizes[id(node)] = 1 + sum(map(size, inner))
        return sizes[id(node)]

    try:
        root = yaml.compose(path.read_text(encoding="utf-8"), yaml.SafeLoader)
    except (OSError, ValueError, yaml.YAMLError, RecursionError):
        return 0  # said where it is read
    return size(root) if root is not None else 0


def as_recorded(command: str, arguments: Iterable[str]) -> str:
    """The command as typed, but paths without their folders, so that a record names nobody."""
    return shlex.join(["bnexp", command, *map(without_folders, arguments)])


def without_folders(argument: str) -> str:
    """An argument with every path and every address cut down to its last part."""
    key, equals, value = argument.partition("=")
    if argument.startswith("-") and not equals:
        return argument
    if not equals:
        key, value = "", argument
    value = _ADDRESS.sub(lambda found: last_part(found[0]), value)
    return key + equals + re.sub(r"[^,=\[\]{}()'\":]*/", "", value)


def last_part(place: str) -> str:
    """The last part of a path or an address, without a password and a query.

    Of `postgresql://me:secret@host/db` that is `db`; of `http://me:secret@host`, the host.
    """
    _, address, rest = place.partition("://")
    rest = rest.partition("?")[0].rpartition("@")[2] if address else place
    return rest.rstrip("/").rpartition("/")[2]
