"""A comparison's YAML: the question, what the source and the literature say, what is run.

The files are in conf/comparison/, one for each, named by the comparison's id, a letter and a
number; a folder of one's own can be added. The first line of a file is a comment that names the
comparison in a few words.
"""

import re
import sys
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from bnexp.compose import CONF
from bnexp.errors import UserError

FOLDERS = [CONF / "comparison"]  # `use` adds to them
ID = re.compile(r"[A-Z]\d+")


class Section(BaseModel):
    """A part of the file: strict types, no unknown keys, immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Assertion(Section):
    """One thing that the source says of one measured quantity, and the rule that decides it.

    Exactly one rule: `above` or `below` a line (a direction), `within` two bounds (a size), or
    `equals` (a fact). `says` are the source's words or figures, shortened; `why` tells where the
    bounds come from when that is not plain.
    """

    quantity: str
    says: str
    above: float | None = None
    below: float | None = None
    within: Annotated[list[float], Field(min_length=2, max_length=2)] | None = None
    equals: float | None = None
    why: str = ""

    @model_validator(mode="after")
    def _one_rule(self) -> "Assertion":
        rules = [self.above, self.below, self.within, self.equals]
        if sum(rule is not None for rule in rules) != 1:
            raise ValueError(f"{self.quantity}: needs one of above, below, within, equals")
        return self


class Measurement(Section):
    """A module of bnexp.measurements, with its options."""

    name: str
    options: dict[str, Any] = {}


class Comparison(Section):
    """One documented comparison."""

    id: str
    title: str
    section: str = Field(description="of the source")
    question: str
    documented: str = Field(description="the figures as the source prints them")
    literature: str = Field("", description="what the primary literature found, with citations")
    kind: Literal["arithmetic", "training", "instrument"]
    judge: str = Field(description="module.function below bnexp.comparisons.judges, or anywhere")
    fixed: str = Field("", description="what is held fixed between the arms, in words")
    control: str = Field("", description="the arm that the others are held against")
    inputs: dict[str, Any] = Field({}, description="arithmetic: the source's numbers")
    base: list[str] = Field([], description="overrides of every run")
    sweep: list[dict[str, Any]] = Field(
        [], description="grids, as in `bnexp train -m sweep=`; `model: net` is the dataset's"
    )
    measurements: list[Measurement] = Field([], description="besides training runs")
    epochs: float = Field(1.0, gt=0, description="budget, in multiples of the dataset's")
    seeds: int | None = Field(None, ge=1, description="in place of the preset's")
    may_refuse: bool = Field(False, description="cells that cannot run are shown as refused")
    figures: list[dict[str, Any]] = Field(
        [], description="of `bnexp plot`: name, where, by and the figure's options"
    )
    assertions: list[Assertion] = []

    @model_validator(mode="after")
    def _told_apart(self) -> "Comparison":
        said = [assertion.says for assertion in self.assertions]
        if len(set(said)) < len(said):
            raise ValueError("assertions: two say the same")
        return self

    @property
    def letter(self) -> str:
        """The part of the ledger: A, B, or I for the instrument's own checks."""
        return self.id[0]


def load(name: str) -> Comparison:
    """The comparison with this id. Raises UserError where there is none or its file is wrong."""
    if name not in names():
        from difflib import get_close_matches

        near = get_close_matches(name.upper(), names(), n=1)
        hint = f"did you mean {near[0]}?" if near else "see `bnexp reproduce --list`"
        raise UserError(f"{name}: no such comparison; {hint}")
    return _load(_paths()[name])


def use(folder: Path) -> None:
    """Add a folder of comparisons and their judges. Raises UserError where it has none."""
    if not any(ID.fullmatch(path.stem) for path in folder.glob("*.yaml")):
        raise UserError(f"comparisons={folder}: must be a folder with files such as C1.yaml")
    FOLDERS.append(folder)
    sys.path.insert(0, str(folder.absolute()))
    _paths.cache_clear()


@cache
def _load(path: Path) -> Comparison:
    text = path.read_text(encoding="utf-8")
    title = text.partition("\n")[0].removeprefix("# ").strip()
    try:
        return Comparison(id=path.stem, title=title, **(yaml.safe_load(text) or {}))
    except (ValidationError, yaml.YAMLError, TypeError) as error:
        lines = (
            [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
            if isinstance(error, ValidationError)
            else [" ".join(str(error).split())]
        )
        raise UserError(*(f"comparison/{path.name}: {line}" for line in lines)) from error


@cache
def _paths() -> dict[str, Path]:
    found = {
        path.stem: path
        for folder in FOLDERS
        for path in folder.glob("*.yaml")
        if ID.fullmatch(path.stem)
    }
    return dict(sorted(found.items(), key=lambda item: (item[0][0], int(item[0][1:]))))


def names() -> tuple[str, ...]:
    """The ids of all comparisons: A1, A2, ..., B1, ..., I1, ..."""
    return tuple(_paths())
