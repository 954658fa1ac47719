"""From a model's configuration to the net."""

from torch import nn

from bnexp import config
from bnexp.errors import UserError
from bnexp.models.check import check_structure
from bnexp.models.cnn import CNN
from bnexp.models.external import build_external
from bnexp.models.mlp import MLP
from bnexp.models.rnn import RNN


def build_model(model: config.Model, shape: tuple[int, ...], classes: int) -> nn.Module:
    """Build a net that turns (N, *shape) into logits (N, classes), its weights newly drawn.

    `shape` is that of one sample: (C, H, W) for images. Raises UserError where model, norm and
    data do not go together, or a model from elsewhere cannot be built.
    """
    if problems := check_structure(model, shape, classes):
        raise UserError(*problems)
    match model:
        case config.MLP():
            return MLP(model, shape, classes)
        case config.CNN():
            return CNN(model, shape, classes)
        case config.RNN():
            return RNN(model, shape, classes)
    return build_external(model, shape, classes)
