"""One `bnexp compare` as it was typed: what is asked, of which arms, with how many seeds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from bnexp.comparisons.setting import positive
from bnexp.errors import UserError
from bnexp.runs.select import is_condition
from bnexp.versus.metrics import Metric

OWN = (
    "metric", "margin", "control", "lr", "seeds", "max_seeds", "minutes", "pilots", "difference",
    "out",
)  # fmt: skip
REFUSED = {
    "seed": "compare draws the seeds; max_seeds=N says how many at most",
    "dry_run": "--dry-run shows what would run",
    "exclusive": "compare lets runs be alone where a clock is read",
}


@dataclass(frozen=True)
class Call:
    """What a command line asks for; `words` describe the arms, `sources` are runs that are there.

    `seeds` is None where as many run as are needed to decide.
    """

    words: tuple[str, ...]
    sources: tuple[str, ...]
    metric: Metric
    margin: float | None = None
    control: str | None = None
    seeds: int | None = None
    max_seeds: int = 20
    minutes: float | None = None
    pilots: int = 5
    difference: float | None = None
    out: str = "compare"
    launcher: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    typed: Mapping[str, str] = field(default_factory=dict)


def read_call(words: Sequence[str], by: str | None = None) -> Call:
    """Read a command line without its flags; UserError names all that is wrong."""
    own: dict[str, str] = {}
    sources: list[str] = []
    arms: list[str] = []
    launcher: list[str] = []
    problems = []
    for word in words:
        key, equals, value = word.lstrip("+").partition("=")
        if not equals and is_condition(word):
            arms.append(word)
        elif not equals and not word.startswith("~"):
            sources.append(word)
            if not Path(word).exists():
                problems.append(
                    f"{word}: no such folder or file; arms are keys with several values, such as "
                    "model.norm=batch,group"
                )
        elif key in OWN:
            own[key] = value
        elif key in REFUSED:
            problems.append(f"{word}: {REFUSED[key]}")
        elif key.startswith(("hydra/", "hydra.")):
            launcher.append(word)
        else:
            arms.append(word)
    values: dict[str, Any] = {}
    for key, text in own.items():
        read, right = READ[key]
        if key == "metric" and any(Path(source).is_file() for source in sources):
            read = partial(Metric.of, of_csv=True)
        try:
            values[key] = read(text)
        except UserError as error:
            problems += error.lines
        except ValueError:
            problems.append(f"{key}={text}: must be {right}")
    if "lr" in values and values["lr"] is not None:
        arms.append(f"optimizer.lr={values['lr']:g}")
    values.pop("lr", None)
    metric = values.setdefault("metric", Metric.of("accuracy"))
    if metric.is_search and any(word.lstrip("+").startswith("optimizer.lr=") for word in arms):
        problems.append("metric=largest_lr: looks for the rate, so that none can be typed")
    if metric.kind == "ratio":
        if values.get("margin", 0) >= 1:
            problems.append(
                f"margin={own['margin']}: must be below 1, of a factor: 0.1 is from 0.9x to 1.1x"
            )
        if values.get("difference", 2) <= 1:
            problems.append(
                f"difference={own['difference']}: must be a factor above 1, such as 1.2"
            )
    if metric.is_time and any(Path(source).is_file() for source in sources):
        problems.append(
            f"metric={metric.name}: is read off curves, of which a CSV has none; metric=COLUMN "
            "compares a column"
        )
    if metric.is_search and sources:
        problems.append("metric=largest_lr: bisects, which runs that are there do not")
    if by and not sources:
        problems.append(f"--by {by}: goes with runs that are there: bnexp compare runs --by {by}")
    if problems:
        raise UserError(*problems)
    keys = tuple(key.strip() for key in by.split(",")) if by else ()
    return Call(tuple(arms), tuple(sources), launcher=tuple(launcher), by=keys, typed=own, **values)


def _count(text: str, least: int = 1) -> int:
    value = int(text) if text.isdecimal() else 0
    if not least <= value <= 1000:
        raise ValueError(text)
    return value


def _text(text: str) -> str:
    if not text:
        raise ValueError(text)
    return text


READ: dict[str, tuple[Any, str]] = {
    "metric": (Metric.of, ""),
    "margin": (positive, "a number above 0, in the metric's unit"),
    "control": (_text, "one of the arms"),
    "lr": (lambda text: None if text == "auto" else positive(text), "auto, or a learning rate"),
    "seeds": (lambda text: None if text == "auto" else _count(text), "auto, or a number of seeds"),
    "max_seeds": (_count, "a number of seeds, 1 to 1000"),
    "minutes": (positive, "a number of minutes, above 0"),
    "pilots": (lambda text: _count(text, 2), "a number of seeds, 2 to 1000"),
    "difference": (positive, "a number above 0, in the metric's unit"),
    "out": (_text, "a folder"),
}
