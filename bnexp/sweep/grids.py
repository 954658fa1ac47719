"""Which jobs a sweep consists of: products, unions of grids, zipped values."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice, product
from math import prod
from typing import Any

from bnexp.complaints import unreadable
from bnexp.compose import GROUPS, rewrite, sets_nothing
from bnexp.config import Config
from bnexp.errors import UserError

Grid = Mapping[str, Any]
Axes = dict[str, list[str]]  # key -> the overrides `key=value` that it runs through
MOST = 100_000  # jobs of a sweep


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
        _check(grid, f"sweep[{number}]")
        fixed = _axes(_as_typed(grid), config_loader)
        zipped = _axes(_as_typed(grid.get("zip", {})), config_loader)
        if len({len(values) for values in zipped.values()}) > 1:
            counts = ", ".join(f"{key.lstrip('+')} has {len(v)}" for key, v in zipped.items())
            raise UserError(f"sweep[{number}].zip: all keys need as many values: {counts}")
        rows = list(zip(*zipped.values(), strict=True)) if zipped else [()]
        others = {key: v for key, v in (fixed | typed).items() if key in typed or key not in zipped}
        count = len(jobs) + len(rows) * prod(map(len, others.values()))
        if count > MOST:
            raise UserError(f"the sweep has {count:,} jobs or more; at most {MOST:,} at once")
        for row in rows:
            axes = fixed | {key: [item] for key, item in zip(zipped, row, strict=True)} | typed
            jobs += [list(job) for job in product(*axes.values())]
    return jobs


def _check(grid: Any, where: str) -> None:
    """Refuse what is no grid: a grid holds keys with values, and of other grids only `zip`."""
    zipped = grid.get("zip", {}) if isinstance(grid, Mapping) else None
    if not isinstance(zipped, Mapping):
        raise UserError(f"{where}={grid}: a grid maps keys to values, and so does zip")
    problems = [f"{where}.sweep: a grid holds no grids; write another entry of sweep"] * (
        "sweep" in grid or "sweep" in zipped
    )
    problems += [f"{where}.zip.zip: zip holds keys with values, no other zip"] * ("zip" in zipped)
    if problems:
        raise UserError(*problems)


def _axes(overrides: Iterable[str], config_loader: Any) -> Axes:
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException, OverrideParseException

    axes: Axes = {}
    problems = []
    parse = OverridesParser.create(config_loader).parse_overrides
    for text in overrides:
        typed = text.lstrip("+")
        try:
            [override] = parse([text])
            key = override.get_key_element()
            if not override.is_sweep_override():
                axes[key] = [text]
                problems += sets_nothing(key.lstrip("+"), override.value())
            elif override.is_discrete_sweep():
                values = list(islice(override.sweep_string_iterator(), MOST + 1))
                axes[key] = [f"{key}={value}" for value in values]
                problems += sets_nothing(key.lstrip("+"), *values)
                if not values:
                    problems.append(f"{typed}: there is no value in it, so nothing to train")
            else:
                problems.append(f"{typed}: only hydra/sweeper=optuna searches an interval")
        except OverrideParseException as error:
            problems.append(unreadable(text, error.message))
        except (HydraException, ValueError, TypeError) as error:
            problems.append(f"{typed}: {' '.join(str(error).split())}")
    if problems:
        raise UserError(*problems)
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
