"""From a command line to a composed configuration: everything that touches Hydra.

Hydra's own syntax holds, with two differences. `+model=x` and `model=x` mean the same for the
groups of `conf/`, and a key may be given whether or not the composed file has it: the schema, not
Hydra, says which keys exist, so that all mistakes are reported at once.
"""

import copy
import os
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bnexp.errors import UserError
from bnexp.plugins import PRESETS, load_plugins

_PACKAGE = Path(__file__).resolve().parent
CONF = next(path for path in (_PACKAGE / "conf", _PACKAGE.parent / "conf") if path.is_dir())
GROUPS = tuple(
    sorted(path.name for path in CONF.iterdir() if path.is_dir() and path.name != "comparison")
)  # of a run's configuration


def presets(group: str) -> dict[str, str]:
    """The presets of a group with their one-line description: the comment that heads the file."""
    load_plugins()
    files = sorted((CONF / group).glob("*.yaml"))
    ours = {path.stem: path.read_text().partition("\n")[0].removeprefix("# ") for path in files}
    return ours | {name: summary for name, (summary, _) in PRESETS.get(group, {}).items()}


def store_presets() -> None:
    """Give Hydra the presets that plugins brought."""
    load_plugins()
    if PRESETS:
        from hydra.core.config_store import ConfigStore

        for group, named in PRESETS.items():
            for name, (_, values) in named.items():
                ConfigStore.instance().store(name=name, group=group, node=dict(values))


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
        if argument == "--dry-run":
            continue
        if not equals or argument.startswith(("-", "~", "hydra.", "hydra/")) or takes_value:
            rewritten.append(argument)
        elif name.partition("@")[0] in GROUPS:
            rewritten.append(f"{name}={value}")
        elif any((root / name.partition("@")[0]).is_dir() for root in roots) or "@" in name:
            rewritten.append(argument)
        else:
            rewritten.append(f"++{name}={value}")
    if "--dry-run" in arguments:  # beside the overrides: Hydra wants them in one piece
        first = (n for n, a in enumerate(rewritten) if "=" in a and not a.startswith("-"))
        rewritten.insert(next(first, len(rewritten)), "++dry_run=true")
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

    store_presets()
    arguments = list(arguments)
    sys.argv = ["bnexp", *(arguments if "-sc" in arguments else rewrite(arguments))]
    os.environ["HYDRA_FULL_ERROR"] = "1"  # raise, so that errors are ours to print
    main = hydra.main(version_base="1.3", config_path=str(CONF), config_name=command)
    with _one_line_complaints():
        main(task)()


def compose(overrides: Iterable[str]) -> tuple[dict[str, Any], str]:
    """The composed training configuration as plain data, and the name of its model preset."""
    with _one_line_complaints():
        config = _load(rewrite(overrides))
        return as_plain(config), str(config.hydra.runtime.choices.get("model"))


def compose_launcher(overrides: Iterable[str]) -> Any:
    """The node `hydra.launcher` that these overrides choose."""
    with _one_line_complaints():
        return _load(list(overrides)).hydra.launcher


class Composer:
    """Composes the jobs of a sweep: Hydra once for every choice of presets, then values merged in.

    Hydra takes some 40 ms for a composition; merging a job's plain values takes 3. `load` makes a
    whole configuration, with its `hydra`, from rewritten overrides.
    """

    def __init__(self, load: Callable[[list[str]], Any] | None = None) -> None:
        self.load = load or _load
        self.bases: dict[tuple[str, ...], tuple[Any, str]] = {}

    def __call__(self, overrides: Iterable[str]) -> tuple[dict[str, Any], str]:
        """The configuration as plain data and the name of its model preset, as `compose`."""
        from hydra.core.override_parser.overrides_parser import OverridesParser
        from omegaconf import OmegaConf

        overrides = rewrite(overrides) if self.load is _load else list(overrides)
        values = [override for override in overrides if override.startswith("++")]
        if not all(_sets_a_value(override) for override in values) or any(
            override.startswith("~") for override in overrides
        ):
            values = []  # order may matter: leave all of it to Hydra
        with _one_line_complaints():
            base, preset = self._base(tuple(o for o in overrides if o not in values))
            config = copy.deepcopy(base)
            for override in OverridesParser.create().parse_overrides(values):
                OmegaConf.update(
                    config, override.key_or_group, override.value(), merge=True, force_add=True
                )
            return as_plain(config), preset

    def _base(self, overrides: tuple[str, ...]) -> tuple[Any, str]:
        from hydra.core.hydra_config import HydraConfig
        from omegaconf import OmegaConf

        if overrides not in self.bases:
            config = self.load(list(overrides))
            HydraConfig.instance().set_config(config)  # for ${hydra:...}
            names = [name for name in config if name != "hydra"]
            preset = str(config.hydra.runtime.choices.get("model"))
            self.bases[overrides] = OmegaConf.masked_copy(config, names), preset
        return self.bases[overrides]


def _sets_a_value(override: str) -> bool:
    from bnexp.config import Config

    return override.partition("=")[0].lstrip("+").partition(".")[0] in Config.model_fields


def _load(overrides: list[str]) -> Any:
    from hydra import compose as hydra_compose
    from hydra import initialize_config_dir

    store_presets()
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        return hydra_compose("train", overrides, return_hydra_config=True)


def as_plain(config: Any) -> dict[str, Any]:
    """A composed configuration as plain data, interpolations resolved, without `hydra`."""
    from omegaconf import OmegaConf

    if "hydra" in config:
        config = OmegaConf.masked_copy(config, [name for name in config if name != "hydra"])
    with _one_line_complaints():
        tree = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
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
