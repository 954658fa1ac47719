"""The residual net: its keys, and what the checks know of it."""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from bnexp.models.family import Depth, Family, NormedLayer, Own, Shape, Width, register
from bnexp.section import Rate


class ResNet(Own):
    """Stages of residual blocks of two convolutions (arXiv:1512.03385, section 4.2)."""

    kind: Literal["resnet"]
    widths: list[Width] = Field(
        min_length=1, max_length=8, description="channels by stage; each later stage halves sides"
    )
    depth: Depth = Field(
        description="convolutions and the output layer: 6n + 2 with three stages of n blocks"
    )
    placement: Literal["before", "after", "pre"] = Field(
        description="norm before or after the activation; pre is norm, activation, convolution"
    )
    residual: bool = Field(description="shortcuts around the blocks; without, a plain net")
    dropout: Rate = Field(description="between the two convolutions of a block")


def blocks(model: ResNet) -> Iterator[tuple[int, int, int]]:
    """Channels in, channels out and stride of every block."""
    inputs = model.widths[0]
    each = (model.depth - 2) // (2 * len(model.widths))
    for stage, width in enumerate(model.widths):
        for block in range(each):
            yield inputs, width, 2 if stage and not block else 1
            inputs = width


def projects(inputs: int, width: int, stride: int) -> bool:
    """Whether a block's shortcut is a 1x1 convolution, not the identity."""
    return inputs != width or stride > 1


def _layers(model: ResNet, shape: Shape, classes: int) -> list[NormedLayer]:
    _, height, width = shape
    pre = model.placement == "pre"
    layers = [] if pre else [NormedLayer(model.widths[0], height * width)]
    for inputs, outputs, stride in blocks(model):
        first = NormedLayer(inputs, height * width)
        height, width = -(-height // stride), -(-width // stride)
        second = NormedLayer(outputs, height * width)
        layers += [first if pre else second, second]
        if model.placement == "before" and model.residual and projects(inputs, outputs, stride):
            layers.append(second)
    return layers + [NormedLayer(model.widths[-1], height * width)] * pre


def _check(model: ResNet, shape: Shape, classes: int) -> list[str]:
    step = 2 * len(model.widths)
    if model.depth > 2 and (model.depth - 2) % step == 0:
        return []
    below = max(1, (model.depth - 2) // step) * step + 2
    return [
        f"model.depth={model.depth}: {len(model.widths)} stages make {step}n + 2 layers; "
        f"{below} or {below + step} would do"
    ]


def _parameters(model: ResNet, shape: Shape, classes: int) -> int:
    total = (9 * shape[0] + 1) * model.widths[0] + (model.widths[-1] + 1) * classes
    for inputs, width, stride in blocks(model):
        total += (9 * inputs + 1) * width + (9 * width + 1) * width
        total += (inputs + 1) * width * (model.residual and projects(inputs, width, stride))
    return total


register(
    Family(
        ResNet,
        "bnexp.models.resnet.net.ResNet",
        dimensions=(3,),
        layers=_layers,
        check=_check,
        parameters=_parameters,
        space=True,
    )
)
