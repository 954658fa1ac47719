"""What a family of nets is: its keys, what builds one, and what the checks need to know of it.

Imports no torch, so that help, lists and completion answer at once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from pydantic import Field, field_validator

from bnexp.lazy import Registry
from bnexp.norms.catalogue import NORMS, NormInfo
from bnexp.section import DOTTED, Options, Rate, Section

if TYPE_CHECKING:
    from torch import nn

Shape = tuple[int, ...]  # of one sample

MOST_PARAMETERS = 10**9  # 4 GB, and as much again for gradients

Width = Annotated[int, Field(ge=1, le=2**16)]
Depth = Annotated[int, Field(ge=1, le=2000)]


class Normalised(Section):
    """What every model knows about its normaliser."""

    kind: str
    norm: str = Field(description="a name of `bnexp list norms`, or an importable class")
    norm_options: Options = Field(description="see bnexp/norms/catalogue.py")
    weights: str | None = Field(description="file of weights to start from; null draws them")

    @field_validator("norm")
    @classmethod
    def _known(cls, norm: str) -> str:
        if norm not in NORMS and not DOTTED.fullmatch(norm):
            raise ValueError(f"is no normaliser; known are {', '.join(NORMS)}, or package.Class")
        return norm


class Own(Normalised):
    """The keys that all our own nets share."""

    activation: Literal["relu", "tanh", "sigmoid", "gelu", "identity"]
    norm_output: bool = Field(description="normalise the output layer too")
    init: Literal["default", "he", "xavier", "orthogonal"] = Field(
        description="weights of linear and conv layers; default is PyTorch's own"
    )
    init_scale: float = Field(gt=0, description="factor on the initial weights")
    dropout: Rate = Field(description="dropout after every hidden activation")


class Plain(Own):
    """The keys that the MLP, the CNN and the recurrent nets share."""

    widths: list[Width] = Field(
        min_length=1, max_length=2000, description="hidden units or channels by layer"
    )
    depth: Depth | None = Field(
        description="hidden layers: `widths` is cut, or its last entry repeated, to this length"
    )
    placement: Literal["before", "after"] = Field(description="norm before or after activation")


@dataclass(frozen=True)
class NormedLayer:
    """What a norm sees of a layer: its channels, and the places (such as pixels) of each."""

    channels: int
    places: int = 1


@dataclass(frozen=True)
class Family:
    """A family of nets. The functions get the options, the shape of a sample and the classes."""

    options: type[Normalised]  # its `kind` is Literal[name]
    net: "str | Callable[[Any, Shape, int], nn.Module]"  # a string is imported when first needed
    dimensions: tuple[int, ...] = (1, 2, 3, 4)  # that a sample may have
    layers: Callable[[Any, Shape, int], list[NormedLayer]] | None = None  # that a norm normalises
    check: Callable[[Any, Shape, int], list[str]] | None = None  # a line for each problem
    parameters: Callable[[Any, Shape, int], int] | None = None  # without those of the norms
    space: bool = False  # has layers (N, C, *space), for norms that need space
    recurrent: bool = False  # for norms with statistics per step
    small: bool = False  # faster on one thread
    loads: bool = False  # `net` itself loads `model.weights`

    @property
    def kind(self) -> str:
        """The name, which stands in `model.kind`."""
        return str(get_args(self.options.model_fields["kind"].annotation)[0])

    def build(self, model: Any, shape: Shape, classes: int) -> "nn.Module":
        """The net, its weights newly drawn: (N, *shape) -> logits (N, classes)."""
        net = self.net
        if isinstance(net, str):
            home, _, name = net.rpartition(".")
            net = getattr(import_module(home), name)
        assert callable(net)
        return net(model, shape, classes)


FAMILIES: Registry[Family] = Registry(
    "a family of nets",
    {
        "mlp": "bnexp.models.mlp",
        "cnn": "bnexp.models.cnn",
        "resnet": "bnexp.models.resnet",
        "rnn": "bnexp.models.recurrent",
        "lstm": "bnexp.models.recurrent",
        "transformer": "bnexp.models.transformer",
        "torchvision": "bnexp.models.external",
        "module": "bnexp.models.external",
    },
)


def register(family: Family) -> None:
    """Make a family known: to the schema, the checks and `build_model`."""
    FAMILIES.add(family.kind, family)


def code(model: Normalised) -> list[str]:
    """What the net is made of, as names to import: its family, its class if given, its norm."""
    names = [f"{type(model).__module__}.{type(model).__name__}", getattr(model, "name", "")]
    names.append(NORMS[model.norm].layer if model.norm in NORMS else model.norm)
    return [name for name in names if DOTTED.fullmatch(name)]


def norm_info(model: Normalised) -> NormInfo:
    """What the catalogue says of the model's norm; an empty entry for somebody else's."""
    return NORMS.get(model.norm, NormInfo("someone else's"))


def hidden_widths(model: Plain) -> list[int]:
    """The widths of `depth` layers: the list cut, or its last entry repeated, to that length."""
    depth = model.depth or len(model.widths)
    return (model.widths + model.widths[-1:] * depth)[:depth]
