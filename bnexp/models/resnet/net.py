"""The residual net."""

from torch import Tensor, nn

from bnexp.models.family import norm_info
from bnexp.models.layer import ACTIVATIONS, Head, initialised, weight_normed
from bnexp.models.resnet import ResNet as Config
from bnexp.models.resnet import blocks, projects
from bnexp.norms import make_norm

ORDERS = {
    "before": ("linear", "norm", "activation"),
    "after": ("linear", "activation", "norm"),
    "pre": ("norm", "activation", "linear"),
}


class Steps(nn.Module):
    """A convolution `linear`, its norm and its activation: those in `order`, in that order."""

    def __init__(self, order: tuple[str, ...], conv: nn.Conv2d, model: Config) -> None:
        super().__init__()
        self.order = order
        if "linear" in order:
            self.linear = weight_normed(conv, model)
        if "norm" in order:
            channels = conv.in_channels if order[0] == "norm" else conv.out_channels
            self.norm = _norm(model, channels)
        if "activation" in order:
            self.activation = ACTIVATIONS[model.activation]()

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        for name in self.order:
            x = self.get_submodule(name)(x)
        return x


def _norm(model: Config, channels: int) -> nn.Module:
    if norm_info(model).on_weights:
        return nn.Identity()
    return make_norm(model.norm, channels, **model.norm_options)


class Block(nn.Module):
    """Two 3x3 convolutions and the shortcut around them, (N, C, H, W) to (N, C', H', W').

    before: conv, norm, activation, conv, norm, sum, activation (arXiv:1512.03385, as torchvision's
    BasicBlock). after: conv, activation, norm, twice, then the sum. pre: norm, activation, conv,
    twice, then the sum (arXiv:1603.05027). The shortcut is the identity, or a 1x1 convolution
    where the shape changes, with a norm if that stands before the activation.
    """

    def __init__(self, convs: list[nn.Conv2d], projection: nn.Conv2d | None, model: Config) -> None:
        super().__init__()
        order = ORDERS[model.placement]
        before = model.placement == "before"
        self.first = Steps(order, convs[0], model)
        self.dropout = nn.Dropout(model.dropout) if model.dropout else nn.Identity()
        self.second = Steps(order[:2] if before else order, convs[1], model)
        self.residual = model.residual
        self.shortcut: nn.Module = nn.Identity()
        if projection is not None and model.residual:
            self.shortcut = Steps(order[:2] if before else ("linear",), projection, model)
        self.activation = ACTIVATIONS[model.activation]() if before else None

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        y: Tensor = self.second(self.dropout(self.first(x)))
        if self.residual:
            y = y + self.shortcut(x)
        if self.activation is not None:
            y = self.activation(y)
        return y


class ResNet(nn.Module):
    """Stages of blocks, the mean over space, an output layer: (N, C, H, W) -> logits (N, classes).

    All weights are drawn before any norm is attached, and those of shortcuts last, so that they
    depend on the seed alone.
    """

    def __init__(self, model: Config, shape: tuple[int, ...], classes: int) -> None:
        super().__init__()
        first, last = model.widths[0], model.widths[-1]
        stem = _conv(shape[0], first, 1, model)
        convs = [
            [_conv(inputs, width, stride, model), _conv(width, width, 1, model)]
            for inputs, width, stride in blocks(model)
        ]
        head = initialised(nn.Linear(last, classes), model)
        projections = [
            _conv(*block, model, size=1) if projects(*block) else None for block in blocks(model)
        ]
        pre = model.placement == "pre"
        self.stem = Steps(("linear",) if pre else ORDERS[model.placement], stem, model)
        self.layers = nn.Sequential(
            *(Block(*parts, model) for parts in zip(convs, projections, strict=True))
        )
        self.last = Steps(("norm", "activation"), convs[-1][1], model) if pre else nn.Identity()
        self.head = Head(head, model)

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        x = self.last(self.layers(self.stem(x)))
        logits: Tensor = self.head(x.mean((2, 3)))
        return logits


def _conv(inputs: int, width: int, stride: int, model: Config, size: int = 3) -> nn.Conv2d:
    return initialised(nn.Conv2d(inputs, width, size, stride, padding=size // 2), model)
