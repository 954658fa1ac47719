"""`run.json`: read and checked here, once, whoever asks."""

import json
import math
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from bnexp.config import Config
from bnexp.runs.identity import FORMAT, LATER, excluded

SCALAR = str | int | float | bool | None
IDENTITY = r"[0-9a-f]{12}"


class Unreadable(Exception):
    """A folder's record cannot be read; the words say why."""


class Missing(Unreadable):
    """There is no run.json: no run, or one that was killed as it began."""


class Damaged(Unreadable):
    """There is, or was, a run.json of our format, and something is wrong with it."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)


class Results(_Part):
    """What every done run says of itself; the accuracies are null where it diverged."""

    __pydantic_extra__: dict[str, SCALAR] = Field(init=False)
    steps: int
    seconds_total: float
    samples_per_second: float | None
    train_loss: float | None
    val_loss: float | None
    test_loss: float | None
    train_accuracy: float | None
    val_accuracy: float | None
    test_accuracy: float | None
    best_epoch: int | float | None
    best_val_accuracy: float | None
    test_accuracy_at_best: float | None = None
    epochs: int | float | None = None
    parameters: int | None = None
    seconds_training: float | None = None
    seconds_evaluation: float | None = None
    seconds_probing: float | None = None
    saved_for_backward_bytes: float | None = None
    peak_memory_bytes: float | None = None
    threads: int | None = None


class Provenance(_Part):
    """Where and how a run was trained, as far as anything reads it."""

    __pydantic_extra__: dict[str, SCALAR] = Field(init=False)
    command: str | None = None
    device_name: str | None = None


class Header(_Part):
    """The contents of run.json; see FORMAT.md."""

    identity: str = Field(pattern=f"^{IDENTITY}$")
    preset: str
    status: Literal["running", "done", "failed", "interrupted"]
    outcome: Literal["trained", "not trained", "diverged", "measured"] | None
    reason: str | None
    content: str | None = None
    revisions: list[str] = []
    source: str | None = None
    weights: str | None = None
    config: dict[str, Any]
    results: dict[str, SCALAR]
    provenance: Provenance

    @model_validator(mode="after")
    def _whole(self) -> "Header":
        check_config(self.config)
        if self.status == "done" and self.outcome is None:
            raise ValueError("outcome: is null, of a run that is done")
        if self.status == "done" and self.outcome != "measured":
            Results.model_validate(self.results)
            if self.outcome != "diverged":
                for name in ("val_accuracy", "test_accuracy", "best_epoch", "best_val_accuracy"):
                    if self.results[name] is None:
                        raise ValueError(f"results.{name}: is null, of a run that did not diverge")
        return self


def check_config(config: dict[str, Any]) -> None:
    """Raise ValueError where a recorded configuration lacks a key or holds another type.

    Values out of range and unknown names are let through: the version that wrote them knew them.
    Keys that came later, or are no part of the identity, may be missing.
    """
    if "check" in config:  # the record of a measurement without training
        if not isinstance(config.get("seed"), int):
            raise ValueError("config.seed: must be an integer")
        return
    try:
        Config.model_validate(config)
    except ValidationError as error:
        for item in error.errors(include_url=False, include_context=False):
            kind, key = item["type"], ".".join(map(str, item["loc"]))
            may_lack = kind == "missing" and (excluded(key) or key in LATER)
            wrong = kind in ("missing", "union_tag_not_found") or kind.endswith("_type")
            wrong |= kind == "literal_error" and not isinstance(item["input"], str)
            if wrong and not may_lack:
                raise ValueError(f"config.{key}: {item['msg']}") from None


def _int(text: str) -> int:
    """An integer of 64 bits, as every number that we write."""
    if not -(2**63) <= (number := int(text)) < 2**63:
        raise ValueError("an integer of more than 64 bits")
    return number


def _float(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise ValueError(f"{text} is no finite number")
    return number


def load_header(folder: Path) -> dict[str, Any]:
    """What `run.json` says, checked. Raises Unreadable."""
    path = folder / "run.json"
    try:
        text = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise Missing("no run.json") from None
    except OSError as error:
        raise Unreadable(f"run.json cannot be read: {error.strerror}") from None
    try:
        header = json.loads(text, parse_int=_int, parse_float=_float, parse_constant=_float)
    except (ValueError, RecursionError) as error:
        raise Damaged(f"run.json is damaged: {error}") from None
    if not isinstance(header, dict) or "format" not in header:
        raise Unreadable("run.json is not bnexp's")
    if header["format"] != FORMAT:
        raise Unreadable(f"run.json is of format {header['format']!r:.20}; this reads {FORMAT}")
    try:
        Header.model_validate(header)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        words = first["msg"].removeprefix("Value error, ").splitlines()[0]
        place = ".".join(map(str, first["loc"]))
        raise Damaged(f"run.json is damaged: {f'{place}: ' if place else ''}{words}") from None
    except (RecursionError, ArithmeticError) as error:
        raise Damaged(f"run.json is damaged: {error}") from None
    return header


def read_header(folder: Path) -> dict[str, Any] | None:
    """What `run.json` says; None where there is no readable one of this format."""
    try:
        return load_header(folder)
    except Unreadable:
        return None
