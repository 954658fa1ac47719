"""Nets that others wrote: torchvision's, and any importable nn.Module. Their keys and checks."""

from typing import Literal

from pydantic import Field, field_validator

from bnexp.models.family import Family, Normalised, Shape, register
from bnexp.section import DOTTED, Options


class Torchvision(Normalised):
    """Any torchvision classification model, its normalisers swapped; `keep` leaves them."""

    kind: Literal["torchvision"]
    name: str = Field(description="as in torchvision.models, e.g. resnet18")
    kwargs: Options = Field(description="passed to the constructor")

    @field_validator("norm", mode="before")
    @classmethod
    def _known(cls, norm: str) -> str:
        return norm if norm == "keep" else Normalised._known(norm)


class Module(Torchvision):
    """Any importable nn.Module class or function that returns one; norms swapped as above."""

    kind: Literal["module"]  # type: ignore[assignment]
    name: str = Field(description="package.module.Class; called with kwargs")

    @field_validator("name")
    @classmethod
    def _dotted(cls, name: str) -> str:
        if not DOTTED.fullmatch(name):
            raise ValueError("must name a class or function as package.module.Class")
        return name


def _check(model: Torchvision, shape: Shape, classes: int) -> list[str]:
    problems = []
    if model.kind == "torchvision" and shape[0] not in (1, 3):
        problems.append(f"model.kind=torchvision: images of {shape[0]} channels; it takes 1 or 3")
    if model.norm == "keep" and model.norm_options:
        problems.append(f"model.norm_options={model.norm_options}: norm keep takes none")
    return problems


_NET = "bnexp.models.external.net.build_external"
register(Family(Torchvision, _NET, dimensions=(3,), check=_check, loads=True))
register(Family(Module, _NET, check=_check, loads=True))
