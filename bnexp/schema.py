"""Plain data in, a checked `Config` out; every problem as one line."""

import json
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from bnexp.config import Config
from bnexp.errors import UserError
from bnexp.norms.catalogue import NORMS
from bnexp.runs.identity import flatten

_TAGS = {"model": "kind", "data": "name", "optimizer": "name"}  # by which its class is chosen


def with_defaults(tree: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The tree with `~` expanded and the norm's options filled in, and a line for each problem.

    A norm that is swapped into somebody else's net takes what is not typed from the norm that it
    replaces, so nothing is filled in there.
    """
    tree = _expanded(tree)
    model = tree.get("model")
    if not isinstance(model, Mapping):
        return dict(tree), []
    norm, options = model.get("norm"), model.get("norm_options", {})
    if not isinstance(norm, str) or norm not in NORMS or not isinstance(options, Mapping):
        return dict(tree), []
    problems = []
    try:
        keeps = bool(NORMS[norm].family) and model.get("kind") in ("torchvision", "module")
        options = NORMS[norm].options.model_validate(options).model_dump(exclude_unset=keeps)
    except ValidationError as error:
        problems = [_option_problem(norm, item) for item in error.errors()]
    return dict(tree) | {"model": dict(model) | {"norm_options": options}}, problems


def _expanded(tree: Mapping[str, Any]) -> Mapping[str, Any]:
    """The tree with a `~` at the start of a folder expanded."""
    data, runs_dir = tree.get("data"), tree.get("runs_dir")
    if isinstance(runs_dir, str):
        tree = dict(tree) | {"runs_dir": _from_home(runs_dir)}
    if isinstance(data, Mapping) and isinstance(root := data.get("root"), str):
        tree = dict(tree) | {"data": dict(data) | {"root": _from_home(root)}}
    return tree


def _from_home(folder: str) -> str:
    if not folder.startswith("~"):
        return folder
    try:
        return str(Path(folder).expanduser())
    except RuntimeError as error:  # ~nobody
        raise UserError(f"{folder}: {error}") from error


def problems(tree: Mapping[str, Any]) -> list[str]:
    """One line for each unknown or missing key, wrong type and value out of range."""
    try:
        Config.model_validate(tree)
    except ValidationError as error:
        items = [(_key(item), item) for item in error.errors()]
    else:
        return []
    unknown = {key for key, item in items if item["type"] == "extra_forbidden"}
    known = {*Config.model_fields, *flatten(tree)} - unknown
    lines = []
    for key, item in items:
        if key in unknown:
            value = item["input"]
            nested = isinstance(value, Mapping) and value
            parts = flatten(value, f"{key}.") if nested else {key: value}
            lines += [_unknown(part, value, known - parts.keys()) for part, value in parts.items()]
        elif item["type"] == "missing":
            lines.append(f"{key}: missing")
        elif item["type"] == "union_tag_invalid":
            lines.append(f"{key}={item['ctx']['tag']}: must be {item['ctx']['expected_tags']}")
        else:
            lines.append(f"{key}={_show(item['input'])}: {_message(item)}")
    return lines


def section(kind: Any, tree: Mapping[str, Any], name: str) -> Any:
    """The section `name` as a value of the type `kind`, or None where it is not valid."""
    try:
        return TypeAdapter(kind).validate_python(tree.get(name))
    except ValidationError:
        return None


def _key(item: Any) -> str:
    path = [str(part) for part in item["loc"]]
    if item["type"].startswith("union_tag"):
        path.append(_TAGS[path[0]])
    return ".".join(path)


def _unknown(key: str, value: Any, known: set[str]) -> str:
    from bnexp.keys import keys

    spellings = {name: name for name in known}
    for other in keys():  # `optimizer.learning_rate` is nearest to what is said of optimizer.lr
        if other.name in known and other.meaning:
            section = other.name.rpartition(".")[0]
            spellings.setdefault(f"{section}.{other.meaning.replace(' ', '_')}", other.name)
    close = get_close_matches(key, sorted(spellings), n=1, cutoff=0.6)
    hint = "`bnexp train --cfg job` shows all keys"
    if close:
        hint = f"nearest known key: {spellings[close[0]]}"
    return f"{key}={_show(value)}: unknown key; {hint}"


def _option_problem(norm: str, item: Any) -> str:
    name = ".".join(str(part) for part in item["loc"])
    start = f"model.norm_options.{name}={_show(item['input'])}"
    if item["type"] != "extra_forbidden":
        return f"{start}: {_message(item)}"
    own = ", ".join(NORMS[norm].options.model_fields) or "none"
    owners = [other for other, info in NORMS.items() if name in info.options.model_fields]
    hint = f" (it is one of {', '.join(owners)})" if owners else ""
    return f"{start}: no option of norm {norm}{hint}; its options: {own}"


def _message(item: Any) -> str:
    message = str(item["msg"]).removeprefix("Value error, ")
    return message.replace("Input should be", "must be").replace("should have", "must have")


def _show(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text if text.isprintable() else repr(text)  # a line break would make two lines of one
