"""Gaussian classes of any shape: learnable, for speed measurements and for tests."""

from typing import Annotated

from pydantic import Field

from bnexp.data.dataset import Data, ShapeAndSize, Size, register


class Synthetic(Data):
    """Gaussian classes of any shape: for speed measurements, and learnable."""

    shape: list[Size] = Field(min_length=1, max_length=4, description="of one sample")
    classes: Annotated[int, Field(ge=2, le=2**16)]
    samples: Annotated[int, Field(ge=10, lt=2**31)] = Field(
        description="training samples; a fifth more each to validate, test"
    )


def _size(data: Synthetic) -> ShapeAndSize:
    return tuple(data.shape), data.samples


def _check(data: Synthetic) -> list[str]:
    if data.samples // 5 >= data.classes:
        return []
    return [
        f"data.samples={data.samples}: too few for {data.classes} classes; "
        f"at least {5 * data.classes}"
    ]


register(
    "synthetic",
    "bnexp.data.synthetic.generate.Generated",
    options=Synthetic,
    size=_size,
    check=_check,
)
