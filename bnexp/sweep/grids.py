"""Which jobs a sweep consists of: products, unions of grids, zipped values."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Any

from bnexp.compose import GROUPS, rewrite
from bnexp.config import Config
from bnexp.errors import UserError

Grid = Mapping[str, Any]
Axes = dict[str, list[str]]  # key -> the overrides `key=value` that it runs through


def expand(
    overrides: Iterable[str], grids: Sequence[Grid] = (), config_loader: Any = None
) -> list[list[str]]:
    """The jobs of a sweep, each a list of overrides.

    A grid maps keys to values, written as on the command line: `a,b`, `range(...)`, `glob(...)`
    and `choice(...)` sweep, and all combinations are taken. The keys of its entry `zip` advance
    together instead. The jobs of every grid, one grid after the other, are combined with
    `overrides`, which sweep too and replace what a grid says of the same key.

    `config_loader` is Hydra's, needed for globs. Raises UserError.
    """
    typed = _axes(map(_for_hydra, overrides), config_loader)
    jobs: list[list[str]] = []
    for number, grid in enumerate(grids or [{}]):
        if not isinstance(grid, Mapping) or not isinstance(grid.get("zip", {}), Mapping):
            raise UserError(f"sweep[{number}]={grid}: a grid maps keys to values, and so does zip")
        fixed = _axes(_as_typed(grid), config_loader)
        zipped = _axes(_as_typed(grid.get("zip", {})), config_loader)
        if len({len(values) for values in zipped.values()}) > 1:
            counts = ", ".join(f"{key.lstrip('+')} has {len(v)}" for key, v in zipped.items())
            raise UserError(f"sweep[{number}].zip: all keys need as many values: {counts}")
        for row in zip(*zipped.values(), strict=True) if zipped else [()]:
            axes = fixed | {key: [item] for key, item in zip(zipped, row, strict=True)} | typed
            jobs += [list(job) for job in product(*axes.values())]
    return jobs


def _axes(overrides: Iterable[str], config_loader: Any) -> Axes:
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import OverrideParseException

    axes: Axes = {}
    try:
        for override in OverridesParser.create(config_loader).parse_overrides(list(overrides)):
            key = override.get_key_element()
            if not override.is_sweep_override():
                axes[key] = [override.input_line or ""]
            elif override.is_discrete_sweep():
                axes[key] = [f"{key}={value}" for value in override.sweep_string_iterator()]
            else:
                line = f"{override.input_line}: only hydra/sweeper=optuna searches an interval"
                raise UserError(line.lstrip("+"))
    except OverrideParseException as error:
        message = " ".join(str(error).split()).partition(" See https://hydra.cc")[0]
        raise UserError(f"{error.override.lstrip('+')}: {message}") from error
    return axes


def _as_typed(grid: Grid) -> list[str]:
    return [_for_hydra(f"{key}={_text(value)}") for key, value in grid.items() if key != "zip"]


def _for_hydra(override: str) -> str:
    """As `rewrite` does; `+group=preset` stays, where the group is none that we know."""
    name = override.partition("=")[0].partition(".")[0]
    known = name.lstrip("+") in (*GROUPS, *Config.model_fields)
    return override if name.startswith("+") and not known else rewrite([override])[0]


def _text(value: Any) -> str:
    """A value of a YAML file in the syntax of the command line; strings are in it already."""
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{key}:{_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_text, value)) + "]"
    return "null" if value is None else str(value)
