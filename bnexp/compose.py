"""From a command line to a composed configuration: everything that touches Hydra.

Hydra's own syntax holds, with two differences. `+model=x` and `model=x` mean the same for the
groups of `conf/`, and a key may be given whether or not the composed file has it: the schema, not
Hydra, says which keys exist, so that all mistakes are reported at once.
"""

import os
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bnexp.errors import UserError

_PACKAGE = Path(__file__).resolve().parent
CONF = next(path for path in (_PACKAGE / "conf", _PACKAGE.parent / "conf") if path.is_dir())
GROUPS = tuple(sorted(path.name for path in CONF.iterdir() if path.is_dir()))


def presets(group: str) -> dict[str, str]:
    """The presets of a group with their one-line description: the comment that heads the file."""
    files = sorted((CONF / group).glob("*.yaml"))
    return {path.stem: path.read_text().partition("\n")[0].removeprefix("# ") for path in files}


def rewrite(arguments: Iterable[str]) -> list[str]:
    """Bring overrides into the form that Hydra accepts whatever the composed file holds.

    Groups lose a leading plus; plain keys gain two, so that they set or add. Flags, deletions,
    `hydra` keys and groups of the user's own configs stay as they are.
    """
    arguments = list(arguments)
    roots = [CONF, *_user_config_folders(arguments)]
    rewritten = []
    for position, argument in enumerate(arguments):
        key, equals, value = argument.partition("=")
        name = key.lstrip("+")
        takes_value = position > 0 and arguments[position - 1] in ("-cn", "-cd", "-cp", "-p")
        if not equals or argument.startswith(("-", "~", "hydra.", "hydra/")) or takes_value:
            rewritten.append(argument)
        elif name.partition("@")[0] in GROUPS:
            rewritten.append(f"{name}={value}")
        elif any((root / name.partition("@")[0]).is_dir() for root in roots) or "@" in name:
            rewritten.append(argument)
        else:
            rewritten.append(f"++{name}={value}")
    return rewritten


def _user_config_folders(arguments: list[str]) -> list[Path]:
    folders = []
    for position, argument in enumerate(arguments):
        flag, _, value = argument.partition("=")
        if flag in ("-cd", "--config-dir"):
            folders.append(value or "".join(arguments[position + 1 : position + 2]))
        elif flag == "hydra.searchpath":
            folders += [
                path.strip(" '\"").removeprefix("file://") for path in value[1:-1].split(",")
            ]
    return [Path(folder) for folder in folders if folder]


def run_hydra(command: str, arguments: Iterable[str], task: Callable[..., Any]) -> None:
    """Let Hydra parse `arguments`, compose `conf/<command>.yaml` and call `task` for every job.

    Hydra's complaints come out as one UserError each.
    """
    import hydra

    arguments = list(arguments)
    sys.argv = ["bnexp", *(arguments if "-sc" in arguments else rewrite(arguments))]
    os.environ["HYDRA_FULL_ERROR"] = "1"  # raise, so that errors are ours to print
    main = hydra.main(version_base="1.3", config_path=str(CONF), config_name=command)
    with _one_line_complaints():
        main(task)()


def compose(overrides: Iterable[str]) -> tuple[dict[str, Any], str]:
    """The composed training configuration as plain data, and the name of its model preset."""
    from hydra import compose as hydra_compose
    from hydra import initialize_config_dir

    with (
        _one_line_complaints(),
        initialize_config_dir(version_base="1.3", config_dir=str(CONF)),
    ):
        config = hydra_compose("train", rewrite(overrides), return_hydra_config=True)
        return as_plain(config), str(config.hydra.runtime.choices.get("model"))


def as_plain(config: Any) -> dict[str, Any]:
    """A composed configuration as plain data, interpolations resolved, without `hydra`."""
    from omegaconf import OmegaConf

    names = [str(name) for name in config if name != "hydra"]
    with _one_line_complaints():
        tree = OmegaConf.to_container(
            OmegaConf.masked_copy(config, names), resolve=True, throw_on_missing=True
        )
    assert isinstance(tree, dict)
    return {str(key): value for key, value in tree.items()}


@contextmanager
def _one_line_complaints() -> Iterator[None]:
    """Turn the exceptions of Hydra and OmegaConf into UserErrors."""
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    try:
        yield
    except (HydraException, OmegaConfBaseException) as error:
        raise UserError(_one_line(error)) from error
    except ValueError as error:  # how Hydra refuses flags that do not go together
        *_, (frame, _) = traceback.walk_tb(error.__traceback__)
        if not frame.f_globals["__name__"].startswith("hydra."):
            raise
        raise UserError(_one_line(error)) from error


def _one_line(error: Exception) -> str:
    cause = error.__cause__
    text = str(error) if cause is None or str(cause) in str(error) else f"{error}: {cause}"
    text = " ".join(text.split())
    return text.partition(" Config search path:")[0].partition(" See https://hydra.cc")[0]
