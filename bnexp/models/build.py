"""From a model's configuration to the net."""

from torch import nn

from bnexp import config
from bnexp.models.cnn import CNN
from bnexp.models.external import build_external
from bnexp.models.mlp import MLP
from bnexp.models.rnn import RNN


def build_model(model: config.Model, shape: tuple[int, ...], classes: int) -> nn.Module:
    """Build a net that turns (N, *shape) into logits (N, classes), its weights newly drawn.

    `shape` is that of one sample: (C, H, W) for images. Raises UserError where a model from
    elsewhere cannot be built; our own are checked by `bnexp.models.check`.
    """
    match model:
        case config.MLP():
            return MLP(model, shape, classes)
        case config.CNN():
            return CNN(model, shape, classes)
        case config.RNN():
            return RNN(model, shape, classes)
    return build_external(model, shape, classes)
