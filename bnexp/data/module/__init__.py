"""A dataset that a function of the user's returns."""

from pydantic import Field, field_validator

from bnexp.data.dataset import Data, register
from bnexp.section import DOTTED, Options


class Returned(Data):
    """What an importable function returns: arrays or tensors, checked once."""

    name: str = Field(description="package.function; called with kwargs, returns the arrays")
    kwargs: Options = Field(description="passed to the function")

    @field_validator("name")
    @classmethod
    def _dotted(cls, name: str) -> str:
        if not DOTTED.fullmatch(name):
            raise ValueError("must name a function as package.function")
        return name


register("module", "bnexp.data.module.read.Function", options=Returned)
