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
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from bnexp.comparisons.counting import LEDGER
from bnexp.compose import CONF
from bnexp.errors import UserError

FOLDERS = [CONF / "comparison"]  # `use` adds to them
ID = re.compile(r"[A-Z]\d+")


class Section(BaseModel):
    """A part of the file: strict types, no unknown keys, immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Assertion(Section):
    """One thing that the source says of one measured quantity, and the rule that decides it.

    It has exactly one rule: `above` or `below` a line (a direction; with a `margin` also "no
    difference"), `within` two bounds (a size), or `equals` (a fact). `says` gives the source's
    words or figures, shortened; `why` tells where the bounds come from if that is not plain;
    `source` is the section and line of the source.
    """

    quantity: str
    says: str
    above: float | None = None
    below: float | None = None
    within: Annotated[list[float], Field(min_length=2, max_length=2)] | None = None
    equals: float | None = None
    margin: float | None = Field(None, gt=0, description="less than this is no difference")
    protocol: Literal["exact", "proxy"] = Field(
        "exact", description="proxy: a size measured on another net or dataset than the source's"
    )
    unless: str = Field("", description="the ceiling that makes it untestable")
    verb: str = Field("", description="what a seed shows that speaks for it, such as faster")
    source: str = Field("", description="section and line of the source")
    why: str = ""
    plain: str = Field("", description="the claim in plain words, where it speaks for its row")

    @model_validator(mode="after")
    def _one_rule(self) -> "Assertion":
        rules = [self.above, self.below, self.within, self.equals]
        if sum(rule is not None for rule in rules) != 1:
            raise ValueError(f"{self.quantity}: needs one of above, below, within, equals")
        if self.within is not None and self.within[0] > self.within[1]:
            raise ValueError(f"{self.quantity}: within needs the lower bound first")
        if self.margin is not None and self.above is None and self.below is None:
            raise ValueError(f"{self.quantity}: a margin goes with above or below")
        return self

    @property
    def line(self) -> float:
        """The line of a direction, or the value of a fact."""
        line = next(x for x in (self.above, self.below, self.equals) if x is not None)
        return float(line)


class Choose(Section):
    """What pilots choose: for each arm the value of one key, such as its best learning rate.

    The arms are the cells of `sweep` that agree in the keys `per`. Only cells that match `where`
    are looked at and run; the value is chosen from those that match `of` too, so that the rate of
    one arm can be given to another.
    """

    name: str
    key: str = "optimizer.lr"
    per: list[str] = []
    by: Literal["accuracy", "speed"] = "accuracy"
    to: str = Field("target", description="by speed: the target that is to be reached")
    where: dict[str, Any] = {}
    of: dict[str, Any] = {}
    refine: bool = Field(False, description="once inside, also try the middles beside the best")


class Target(Section):
    """A validation accuracy that every pilot of every arm reaches, at fixed and chosen cells."""

    name: str = "target"
    most: float | None = Field(None, gt=0, lt=1, description="null: the dataset's")
    step: float = Field(0.05, gt=0, lt=1, description="it is so many steps below `most`")
    least: float = Field(0.5, gt=0, lt=1, description="arms below so much of it do not count")
    at: list[str] = Field([], description="choices, or `fixed`, whose cells count; none is all")
    where: dict[str, Any] = {}


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, dict) else value


class Ceiling(Section):
    """A bound on pilots' values at a chosen cell, beyond which an assertion cannot be tested."""

    name: str
    at: str = Field(description="the choice whose cells are looked at")
    where: dict[str, Any] = {}
    of: str = "val_accuracy"
    above: float | None = None
    below: float | None = None
    says: str = Field(description="why there is no room, in words")

    @model_validator(mode="after")
    def _one_side(self) -> "Ceiling":
        if (self.above is None) == (self.below is None):
            raise ValueError(f"{self.name}: needs one of above, below")
        return self


class Search(Section):
    """The end of the values of one key at which an arm still trains, by bisection.

    All judged seeds and all arms (which differ in the keys `arms`) bisect one logarithmic grid,
    of the factor `until`, within a bracket that contains the brackets of all pilots. A run passes
    if its validation accuracy is within `points` of its arm's best, by the choice `than`.
    """

    name: str
    than: str
    key: str = "optimizer.lr"
    until: float = Field(gt=1)
    arms: list[str] = Field(["model.norm"], description="keys; all arms share one bracket")
    per: list[str] = Field([], description="keys; each combination has a bracket of its own")
    end: Literal["largest", "smallest"] = "largest"
    lattice: Annotated[list[int], Field(min_length=2, max_length=2)] | None = Field(
        None, description="[a, b]: only whole numbers a n + b, such as a residual net's depths"
    )
    points: float = Field(5.0, gt=0)
    where: dict[str, Any] = {}


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
    why: str = Field("", description="what is behind the claim, in two or three plain sentences")
    literature: str = Field("", description="what the primary literature found, with citations")
    stance: Literal["", "agrees", "qualifies", "disagrees", "silent"] = Field(
        "", description="how the literature stands to what the source says"
    )
    kind: Literal["arithmetic", "training", "instrument"]
    judge: str = Field(description="module.function below bnexp.comparisons.judges, or anywhere")
    options: dict[str, Any] = Field({}, description="keywords of the judge")
    family: int = Field(LEDGER, ge=1, description="quantities that share one alpha")
    held: str = Field("", description="what is held fixed between the arms, in words")
    control: str = Field("", description="the arm that the others are held against")
    edition: int = Field(
        2, ge=0, lt=100, description="of this definition; its seeds follow from it"
    )
    inputs: dict[str, Any] = Field({}, description="arithmetic: the source's numbers")
    base: list[str] = Field([], description="overrides of every run")
    sweep: list[dict[str, Any]] = Field(
        [], description="grids of which pilots choose; `model: net` is the dataset's net"
    )
    fixed: list[dict[str, Any]] = Field(
        [], description="grids that judged seeds run as they are; `at: NAME` adds a chosen value"
    )
    choose: list[Choose] = []
    target: Annotated[list[Target], BeforeValidator(_listed)] = Field(
        [], description="one, or several of different names"
    )
    ceilings: list[Ceiling] = []
    search: list[Search] = []
    pilots: int | None = Field(None, ge=2, description="pilot seeds; null is the ledger's")
    measurements: list[Measurement] = Field([], description="besides training runs")
    epochs: float = Field(1.0, gt=0, description="budget, in multiples of the dataset's")
    seeds: int | None = Field(None, ge=1, description="judged seeds, whatever the preset says")
    max_seeds: int | None = Field(None, ge=1, description="judged seeds at most, likewise")
    minutes: float | None = Field(
        None, gt=0, description="begin no further seeds after that, unless another time is typed"
    )
    cost: float | None = Field(None, gt=0, description="CPU-seconds a judged seed, on digits")
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

    @model_validator(mode="after")
    def _names_known(self) -> "Comparison":
        choices = {rule.name for rule in self.choose}
        ceilings = {ceiling.name for ceiling in self.ceilings}
        asked = [(f"search {one.name}: than", one.than, choices) for one in self.search]
        targets = {target.name for target in self.target}
        asked += [(f"choose {r.name}: to", r.to, targets) for r in self.choose if r.by == "speed"]
        asked += [(f"ceiling {one.name}: at", one.at, choices) for one in self.ceilings]
        asked += [("fixed: at", grid["at"], choices) for grid in self.fixed if "at" in grid]
        asked += [(f"{a.says}: unless", a.unless, ceilings) for a in self.assertions if a.unless]
        for where, name, known in asked:
            if name not in known:
                raise ValueError(f"{where}: {name} is none of {', '.join(sorted(known)) or '()'}")
        if self.sweep and not self.choose:
            raise ValueError(
                "sweep: nothing is chosen from it; grids that are run as they are: fixed"
            )
        if self.choose and not self.sweep:
            raise ValueError("choose: needs a sweep to choose from")
        return self

    @property
    def has_pilots(self) -> bool:
        """Whether pilots choose anything before the judged seeds run."""
        return bool(self.choose or self.target)

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
