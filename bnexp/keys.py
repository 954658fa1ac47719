"""What `config.py` says of each key: its type, range and meaning, for `train --help KEY`."""

import json
import types
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo

from bnexp.config import Config, Probes, Schedule
from bnexp.errors import UserError
from bnexp.norms.catalogue import NORMS
from bnexp.probes.catalogue import PROBES
from bnexp.runs.identity import flatten
from bnexp.section import OneOf

_LIMITS = {
    "minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most",
    "exclusiveMaximum": "below", "minItems": "items: at least", "maxItems": "items: at most",
}  # fmt: skip


@dataclass(frozen=True)
class Key:
    """A dotted key as one class of its section defines it; `of` names the classes if several do.

    `default` is that of the class itself, as JSON: only norms' options have any.
    """

    name: str
    kind: str
    meaning: str
    text: bool
    default: str
    of: tuple[str, ...]


@cache
def keys() -> tuple[Key, ...]:
    """Every key of a run's configuration, once for each class that defines it."""
    options = (
        key
        for norm, info in NORMS.items()
        for key in _keys(info.options, "model.norm_options.", (f"norm {norm}",))
    )
    instruments = (
        key
        for name, info in PROBES.items()
        if name not in Probes.model_fields
        for key in _probe(name, info.summary)
    )
    return (*_keys(Config, "", ()), *instruments, *options)


@cache
def is_text(name: str) -> bool:
    """Whether a key's value is text, so that `3` is text too."""
    return any(key.text for key in keys() if key.name == name)


def described(name: str) -> list[Key]:
    """The keys of this name, each description once; for a section, all of its keys."""
    found = [key for key in keys() if key.name == name]
    found = found or [key for key in keys() if key.name.startswith(f"{name}.")]
    merged: dict[Key, tuple[str, ...]] = {}
    for key in found:
        alike = replace(key, of=())
        merged[alike] = (*merged.get(alike, ()), *key.of)
    return [replace(key, of=tuple(dict.fromkeys(of))) for key, of in merged.items()]


def _keys(section: type[BaseModel], prefix: str, of: tuple[str, ...]) -> Iterator[Key]:
    for name, field in section.model_fields.items():
        sections = list(_sections(field))
        if not sections:
            meaning = field.description or ""
            texts = set(_leaves(field.annotation)) - {type(None)}
            default = "" if field.is_required() else json.dumps(field.default)
            yield Key(f"{prefix}{name}", _kind(field), meaning, texts == {str}, default, of)
        for inner in sections:
            whose = (_title(inner),) if len(sections) > 1 else of
            yield from _keys(inner, f"{prefix}{name}.", whose)


def _probe(name: str, summary: str) -> Iterator[Key]:
    """The keys of an instrument that only the catalogue knows."""
    for key in _keys(Schedule, f"probes.{name}.", ()):
        yield replace(key, meaning=f"{key.meaning} (of {name}: {summary})")


def _title(section: type[BaseModel]) -> str:
    return (section.__doc__ or section.__name__).partition("\n")[0].rstrip(".")


def _leaves(annotation: Any) -> Iterator[Any]:
    """The types of a union; of a Literal, those of its values."""
    if get_origin(annotation) in (Union, types.UnionType):
        for part in get_args(annotation):
            yield from _leaves(part)
    elif get_origin(annotation) is Literal:
        yield from map(type, get_args(annotation))
    elif hasattr(annotation, "__metadata__"):
        yield from _leaves(get_args(annotation)[0])
    else:
        yield annotation


def _sections(field: FieldInfo) -> Iterator[type[BaseModel]]:
    chosen = [extra for extra in field.metadata if isinstance(extra, OneOf)]
    for extra in chosen:
        yield from extra.sections()
    for leaf in _leaves(field.annotation) if not chosen else ():
        if isinstance(leaf, type) and issubclass(leaf, BaseModel):
            yield leaf


def _kind(field: FieldInfo) -> str:
    """Type and range in words, from the JSON schema that pydantic makes of them."""
    whole: Any = field.annotation
    for extra in field.metadata:
        whole = Annotated[whole, extra]
    return _words(TypeAdapter(whole).json_schema())


def _words(schema: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(_words(part) for part in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if "const" in schema:
        return str(schema["const"])
    limits = [f"{words} {_tidy(schema[name])}" for name, words in _LIMITS.items() if name in schema]
    kind = str(schema.get("type", "anything"))
    if kind == "array":
        kind = f"list of {_words(schema.get('items', {}))}"
    return ", ".join([kind, *limits])


def _tidy(limit: float) -> float:
    return int(limit) if float(limit).is_integer() else limit


def explanation(names: Iterable[str], defaults: Mapping[str, Any]) -> str:
    """The help text of these keys, or of all keys of a section. UserError names unknown ones.

    `defaults` is the configuration of a plain `bnexp train`.
    """
    values, config = flatten(defaults), Config.model_validate(defaults)
    chosen = {_title(type(part)) for part in (config.model, config.data, config.optimizer)}
    blocks, problems = [], []
    for name in names:
        found = described(name)
        if not found:
            close = get_close_matches(name, {key.name for key in keys()}, n=1)
            near = f"; nearest known key: {close[0]}" if close else ""
            problems.append(f"{name}: unknown key{near}; bnexp train --help shows all")
        blocks += [_block(key, values, chosen) for key in found]
    if problems:
        raise UserError(*problems)
    return "\n".join(blocks)


def _block(key: Key, values: Mapping[str, Any], chosen: set[str]) -> str:
    parts = [key.kind]
    if key.name in values and (not key.of or chosen & {*key.of}):
        parts.append(f"default: {json.dumps(values[key.name])}")
    else:
        parts += [f"default: {key.default}"] * bool(key.default)
        parts += [f"of: {', '.join(key.of)}"] * bool(key.of)
    title = f"{key.name}: {key.meaning}" if key.meaning else key.name
    return f"{title}\n    {'; '.join(parts)}"
