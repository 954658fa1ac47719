"""Editions: to which definition evidence belongs, and the seeds that follow from its number.

A changed definition is a new edition, on seeds that have decided nothing yet.
"""

import ast
import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bnexp.comparisons.config import Comparison, Section

PILOTS, DESIGN, JUDGED = 1_000_000, 2_000_000, 10_000
# What changes neither what is run nor how it is judged.
WORDS = {
    "id", "title", "section", "question", "documented", "why", "stance", "literature", "held",
    "control", "edition", "seeds", "max_seeds", "minutes", "cost", "figures", "assertions",
}  # fmt: skip
CLAIM_WORDS = {"says", "verb", "source", "why"}


def pilot_seeds(count: int) -> list[int]:
    """The seeds that choose."""
    return list(range(PILOTS, PILOTS + count))


def judged_seeds(edition: int, count: int, design: bool = False) -> list[int]:
    """The seeds that speak, in their order; `design` seeds are for trying out."""
    first = DESIGN if design else JUDGED * edition
    return list(range(first, first + count))


def fingerprint(comparison: Comparison, conditions: Sequence[Any]) -> str:
    """The edition: its number and a hash of all that is run and judged, the judge's source too.

    `conditions` are what the ledger adds: dataset, budget, overrides of the command line.
    """
    parts = [
        _plain(comparison, WORDS),
        [_plain(claim, CLAIM_WORDS) for claim in comparison.assertions],
        list(conditions),
        _code(comparison.judge),
    ]
    text = json.dumps(parts, sort_keys=True)
    return f"{comparison.edition}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def _plain(section: Section, words: set[str]) -> Any:
    """A part of a definition as plain data, default values left out."""
    return json.loads(section.model_dump_json(exclude=words, exclude_defaults=True))


def judge_module(name: str) -> str:
    """The module of a judge: in `judges`, or any importable one."""
    module = name.rpartition(".")[0]
    ours = f"bnexp.comparisons.judges.{module}"
    return ours if "." not in module and find_spec(ours) is not None else module


def _code(judge: str) -> str:
    """The judge's module as a syntax tree, without comments, layout and docstrings."""
    spec = find_spec(judge_module(judge))
    if spec is None or spec.origin is None:
        return ""
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef) and node.body:
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                node.body = node.body[1:] or [ast.Pass()]
    return _dumped(tree)


def _dumped(node: Any) -> str:
    """A syntax tree as text: that of `ast.dump` on Python 3.11, whose words change by version."""
    if isinstance(node, list):
        return f"[{', '.join(map(_dumped, node))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = {name: getattr(node, name, None) for name in node._fields}
    told = [
        f"{name}={_dumped(value)}"
        for name, value in fields.items()
        if not (value is None and getattr(type(node), name, ...) is None)
        and not (name == "type_params" and not value)  # since 3.12
    ]
    return f"{type(node).__name__}({', '.join(told)})"


def told_apart(mine: str, theirs: str) -> str:
    """How to tell the user that evidence is of another edition; "" where it is not."""
    if mine == theirs:
        return ""
    if mine.partition("-")[0] == theirs.partition("-")[0]:
        number = mine.partition("-")[0]
        return f"its definition has changed under edition {number}: raise `edition` in its YAML"
    theirs, mine = (name.partition("-")[0] for name in (theirs, mine))
    return f"edition {theirs} is published, edition {mine} is defined"


def conditions(
    data: str, dataset: Mapping[str, Any], cap: int | None, typed: Sequence[str]
) -> list[Any]:
    """What a ledger adds to a definition, in one form for the runner and for `rejudge`."""
    budget = {key: dataset.get(key) for key in ("target", "epochs", "net", "overrides", "factors")}
    return [data, budget, cap, sorted(typed)]
