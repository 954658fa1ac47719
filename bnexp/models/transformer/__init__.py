"""The transformer encoder: its keys, and what the checks know of it."""

from typing import Annotated, Literal

from pydantic import Field

from bnexp.models.family import (
    Depth,
    Family,
    NormedLayer,
    Own,
    Shape,
    Width,
    norm_info,
    register,
)
from bnexp.section import Positive, Rate


class Transformer(Own):
    """An encoder on the patches of an image (arXiv:1706.03762, arXiv:2010.11929)."""

    kind: Literal["transformer"]
    width: Width = Field(description="of a token; the heads divide it")
    depth: Depth = Field(description="blocks of self-attention and two linear layers")
    heads: Positive = Field(description="of the attention")
    patch: Positive = Field(description="side of a patch in pixels; must divide the images' sides")
    mlp_ratio: Annotated[float, Field(gt=0, le=64)] = Field(
        description="hidden units of a block's linear layers for each of the width"
    )
    placement: Literal["pre", "post"] = Field(
        description="norm before each sublayer and the output, or after each residual sum"
    )
    pooling: Literal["mean", "cls"] = Field(
        description="what is classified: the tokens' mean, or a token of its own"
    )
    dropout: Rate = Field(
        description="of attention weights, hidden activations and what a sublayer adds"
    )


def tokens(model: Transformer, shape: Shape) -> int:
    """The number of tokens: the patches, and the class token if there is one."""
    patches = (shape[1] // model.patch) * (shape[2] // model.patch)
    return patches + (model.pooling == "cls")


def hidden_units(model: Transformer) -> int:
    """Hidden units of a block's two linear layers."""
    return max(1, round(model.width * model.mlp_ratio))


def _layers(model: Transformer, shape: Shape, classes: int) -> list[NormedLayer]:
    norm = norm_info(model)
    places = tokens(model, shape) if norm.batch_statistics or norm.needs_space else 1
    return [NormedLayer(model.width, places)] * (2 * model.depth + (model.placement == "pre"))


def _check(model: Transformer, shape: Shape, classes: int) -> list[str]:
    problems = []
    if model.width % model.heads:
        problems.append(
            f"model.heads={model.heads}: must divide model.width={model.width}; "
            f"{_divisors(model.width)} would do"
        )
    _, height, width = shape
    if height % model.patch or width % model.patch:
        problems.append(
            f"model.patch={model.patch}: must divide the sides of images of {height}x{width}; "
            f"{_divisors(height, width)} would do"
        )
    return problems


def _divisors(*numbers: int) -> str:
    common = [d for d in range(1, min(numbers) + 1) if not any(n % d for n in numbers)]
    return ", ".join(map(str, common))


def _parameters(model: Transformer, shape: Shape, classes: int) -> int:
    width, hidden = model.width, hidden_units(model)
    embedding = (shape[0] * model.patch**2 + 1) * width
    positions = (tokens(model, shape) + (model.pooling == "cls")) * width
    block = 4 * (width + 1) * width + (width + 1) * hidden + (hidden + 1) * width
    return embedding + positions + model.depth * block + (width + 1) * classes


register(
    Family(
        Transformer,
        "bnexp.models.transformer.net.Transformer",
        dimensions=(3,),
        layers=_layers,
        check=_check,
        parameters=_parameters,
        space=True,
        small=True,
    )
)
