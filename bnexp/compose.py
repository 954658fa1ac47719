"""From a command line to a composed configuration: everything that touches Hydra.

Hydra's own syntax holds, with two differences. `+model=x` and `model=x` mean the same for the
groups of `conf/`, and a key may be given whether or not the composed file has it: the schema, not
Hydra, says which keys exist, so that all mistakes are reported at once.
"""

import argparse
import copy
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from bnexp.arguments import config_folders, parse, parser
from bnexp.complaints import one_line_complaints, unreadable
from bnexp.errors import UserError
from bnexp.plugins import PRESETS, load_plugins

_PACKAGE = Path(__file__).resolve().parent
CONF = next(path for path in (_PACKAGE / "conf", _PACKAGE.parent / "conf") if path.is_dir())
GROUPS = tuple(
    sorted(path.name for path in CONF.iterdir() if path.is_dir() and path.name != "comparison")
)  # of a run's configuration
_HYDRA = threading.RLock()  # its state is the process's


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


def rewrite(overrides: Iterable[str], folders: Iterable[Path] = ()) -> list[str]:
    """Bring overrides into the form that Hydra accepts whatever the composed file holds.

    Groups lose a leading plus; plain keys gain two, so that they set or add. Deletions, `hydra`
    keys and groups of the user's own configs, which are in `folders`, stay as they are.
    """
    roots = [CONF, *folders]
    rewritten = []
    for override in overrides:
        key, equals, value = override.partition("=")
        name = key.lstrip("+")
        if value.startswith("~"):  # a home folder, which the shell leaves in the middle of a word
            value = f"'{value}'"
        if not equals or not name or override.startswith(("~", "hydra.", "hydra/")):
            rewritten.append(override)
        elif name.partition("@")[0] in GROUPS:
            rewritten.append(f"{name}={value}")
        elif any((root / name.partition("@")[0]).is_dir() for root in roots) or "@" in name:
            rewritten.append(override)
        else:
            rewritten.append(f"++{name}={value}")
    return rewritten


def run_hydra(command: str, arguments: Iterable[str], task: Callable[..., Any]) -> None:
    """Let Hydra do what the flags in `arguments` say: show something, complete, or sweep.

    Its complaints come out as one UserError each.
    """
    from hydra import version
    from hydra._internal.utils import _run_hydra

    store_presets()
    options = parse(arguments)
    if not options.shell_completion:
        options.overrides = rewrite(options.overrides, config_folders(options))
        check_overrides(options.overrides)
    os.environ["HYDRA_FULL_ERROR"] = "1"  # raise, so that errors are ours to print
    with one_line_complaints():
        version.setbase("1.3")
        _run_hydra(options, parser(), task, str(CONF), command)


def compose(arguments: Iterable[str]) -> tuple[dict[str, Any], str]:
    """The training configuration of a command line as plain data, and its model preset's name.

    Works wherever it is called: in a thread, and in a program that uses Hydra itself.
    """
    options = parse(arguments)
    overrides = rewrite(options.overrides, config_folders(options))
    with _hydra_to_ourselves():
        config = _load(overrides, options)
        return as_plain(config), _preset(config)


def compose_launcher(overrides: Iterable[str]) -> Any:
    """The node `hydra.launcher` that these overrides choose."""
    with _hydra_to_ourselves():
        return _load(list(overrides)).hydra.launcher


class Composer:
    """Composes the jobs of a sweep: Hydra once for every choice of presets, then values merged in.

    A composition by Hydra takes some 40 ms; merging a job's values into plain data takes a
    fraction of that, by OmegaConf some 10 ms where something is interpolated or missing. `load`
    makes a whole configuration, with its `hydra` section, from rewritten overrides.
    """

    def __init__(self, load: Callable[[list[str]], Any] | None = None) -> None:
        self.load = load or _load
        self.bases: dict[tuple[str, ...], tuple[Any, Any, str]] = {}
        self.plain: dict[tuple[str, ...], dict[str, Any]] = {}

    def __call__(self, overrides: Iterable[str]) -> tuple[dict[str, Any], str]:
        """The configuration as plain data and the name of its model preset, as `compose`."""
        from hydra.core.hydra_config import HydraConfig
        from omegaconf import OmegaConf

        overrides = rewrite(overrides) if self.load is _load else list(overrides)
        values = [override for override in overrides if override.startswith("++")]
        if not all(_sets_a_value(override) for override in values) or any(
            override.startswith("~") for override in overrides
        ):
            values = []  # order may matter: leave all of it to Hydra
        with _hydra_to_ourselves():
            choices = tuple(override for override in overrides if override not in values)
            base, hydra, preset = self._base(choices)
            parsed = [_parsed(override) for override in values]
            tree = copy.deepcopy(self.plain[choices])
            for key, value in parsed:
                merge(tree, key.split("."), value)
            if not any(mark in repr(tree) for mark in ("${", "???")) and "[" not in "".join(
                key for key, _ in parsed
            ):
                return tree, preset
            HydraConfig.instance().cfg = hydra  # for ${hydra:...}
            config = copy.deepcopy(base)
            for key, value in parsed:
                OmegaConf.update(config, key, value, merge=True, force_add=True)
            return as_plain(config), preset

    def _base(self, overrides: tuple[str, ...]) -> tuple[Any, Any, str]:
        from hydra.core.hydra_config import HydraConfig
        from omegaconf import OmegaConf

        if overrides not in self.bases:
            check_overrides(overrides)
            config = self.load(list(overrides))
            HydraConfig.instance().set_config(config.copy())  # which makes it read-only
            names = [name for name in config if name != "hydra"]
            base = OmegaConf.masked_copy(config, names)
            self.bases[overrides] = base, HydraConfig.instance().cfg, _preset(config)
            self.plain[overrides] = OmegaConf.to_container(base)  # type: ignore[assignment]
        return self.bases[overrides]


def merge(tree: dict[str, Any], key: Sequence[str], value: Any) -> None:
    """Set a value in nested dictionaries, as OmegaConf does: sections are merged, all else set."""
    *sections, last = key
    for name in sections:
        if not isinstance(tree.get(name), dict):
            tree[name] = {}
        tree = tree[name]
    if isinstance(value, dict) and isinstance(tree.get(last), dict):
        for name, inner in value.items():
            merge(tree[last], [name], inner)
    else:
        tree[last] = copy.deepcopy(value)


@cache
def _parsed(override: str) -> tuple[str, Any]:
    """Key and value of an override."""
    from hydra.core.override_parser.overrides_parser import OverridesParser

    [found] = OverridesParser.create().parse_overrides([override])
    return found.key_or_group, found.value()


def _sets_a_value(override: str) -> bool:
    from bnexp.config import Config

    return override.partition("=")[0].lstrip("+").partition(".")[0] in Config.model_fields


def _load(overrides: list[str], options: argparse.Namespace | None = None) -> Any:
    """The whole configuration; `options` may name files of the user's own."""
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    store_presets()
    check_overrides(overrides)
    name = getattr(options, "config_name", None) or "train"
    config = config_loader(options).load_configuration(
        name, overrides, RunMode.RUN, from_shell=False
    )
    HydraConfig.instance().set_config(config.copy())  # which makes it read-only
    return config


def config_loader(options: argparse.Namespace | None = None) -> Any:
    """A loader of configurations without Hydra's global one, which others may be using."""
    from hydra._internal.config_loader_impl import ConfigLoaderImpl
    from hydra._internal.utils import create_config_search_path
    from hydra.core.config_search_path import SearchPathQuery

    main = getattr(options, "config_path", None) or CONF
    path = create_config_search_path(str(Path(main).absolute()))
    if mine := getattr(options, "config_dir", None):
        path.prepend("command-line", f"file://{Path(mine).absolute()}", SearchPathQuery("schema"))
    return ConfigLoaderImpl(config_search_path=path)


def check_overrides(overrides: Iterable[str]) -> None:
    """Refuse overrides that cannot be read, and groups that name no preset; all at once."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.core.override_parser.types import ValueType
    from hydra.errors import OverrideParseException

    parse_overrides = OverridesParser.create().parse_overrides
    problems = []
    for text in overrides:
        try:
            [override] = parse_overrides([text])
        except OverrideParseException as error:
            problems.append(unreadable(text, error.message))
            continue
        if text.startswith("="):
            problems.append(f"{text}: has no key")
            continue
        group = override.get_key_element().lstrip("+~").partition("@")[0]
        preset = isinstance(override.value(), str) or override.value_type in (
            ValueType.CHOICE_SWEEP, ValueType.GLOB_CHOICE_SWEEP, ValueType.SIMPLE_CHOICE_SWEEP,
        )  # fmt: skip
        if group in ("hydra.launcher", "hydra.sweeper") and not isinstance(override.value(), dict):
            name = group.replace(".", "/")
            problems.append(f"{text}: is a section; {name}=NAME chooses one")
        if (group in GROUPS or group == "hydra") and not (override.is_delete() or preset):
            problems.append(f"{text}: must name one preset of conf/{group}; see bnexp list")
        elif not override.is_delete():
            problems += sets_nothing(group, override.value())
    if problems:
        raise UserError(*problems)


def sets_nothing(key: str, *values: Any) -> list[str]:
    """What is wrong with a whole section given as `{}`: merging that would change nothing."""
    if {} not in values and "{}" not in values:
        return []
    from bnexp.keys import described

    inside = [one.name for one in described(key) if one.name != key]
    return [f"{key}={{}}: sets nothing; it holds keys such as {inside[0]}"] if inside else []


def _preset(config: Any) -> str:
    return str(config.hydra.runtime.choices.get("model"))


def as_plain(config: Any) -> dict[str, Any]:
    """A composed configuration as plain data, interpolations resolved, without `hydra`.

    A value from an environment variable is read as on the command line, unless the key takes text.
    """
    from omegaconf import OmegaConf

    names = [name for name in config if name != "hydra"]
    with one_line_complaints():
        config = OmegaConf.masked_copy(config, names)
        _read_environment(config)
        tree = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    assert isinstance(tree, dict)
    return {str(key): value for key, value in tree.items()}


def _read_environment(config: Any) -> None:
    from omegaconf import OmegaConf

    from bnexp.runs.identity import flatten

    raw: Any = OmegaConf.to_container(config, resolve=False)
    for key, value in flatten(raw).items():
        if isinstance(value, str) and value.startswith("${oc.env:"):
            from bnexp.keys import is_text

            if not is_text(key):
                OmegaConf.update(config, key, f"${{oc.decode:{value}}}")


@contextmanager
def _hydra_to_ourselves() -> Iterator[None]:
    """Borrow Hydra's global state and put it back; what Hydra raises becomes a UserError.

    https://github.com/facebookresearch/hydra/issues/3399
    """
    from hydra import version
    from hydra.core.hydra_config import HydraConfig
    from hydra.core.utils import setup_globals

    with _HYDRA, one_line_complaints():
        base, config = version.VersionBase.instance().getbase(), HydraConfig.instance().cfg
        version.setbase("1.3")
        setup_globals()
        try:
            yield
        finally:
            HydraConfig.instance().cfg = config
            version.VersionBase.instance().version_base = base
