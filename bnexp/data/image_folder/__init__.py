"""A tree of the user's own images, train/<class>/* and test/<class>/*."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from bnexp.data.dataset import Data, Folder, ShapeAndSize, register


class ImageFolder(Data):
    """A tree `train/<class>/*`, `test/<class>/*` of images."""

    root: Folder = Field(description="the folder that holds train/ and test/")
    image_size: Annotated[int, Field(ge=4, le=512)] = Field(description="side length in pixels")
    channels: Literal[1, 3]

    @field_validator("root")
    @classmethod
    def _named(cls, root: str) -> str:
        if not root:
            raise ValueError("must name the folder that holds train/<class>/* and test/<class>/*")
        return root


def _size(data: ImageFolder) -> ShapeAndSize:
    from bnexp.data.image_folder.tree import training_size

    return (data.channels, data.image_size, data.image_size), training_size(data)


register("image_folder", "bnexp.data.image_folder.tree.source", options=ImageFolder, size=_size)
