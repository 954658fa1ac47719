"""From a model's configuration to the net."""

from torch import nn

from bnexp.errors import UserError
from bnexp.models.check import check_structure
from bnexp.models.families import FAMILIES
from bnexp.models.family import Normalised


def build_model(model: Normalised, shape: tuple[int, ...], classes: int) -> nn.Module:
    """Build a net that turns (N, *shape) into logits (N, classes).

    Its weights are newly drawn, or those of `model.weights`. `shape` is that of one sample:
    (C, H, W) for images. Raises UserError where model, norm and data do not go together, or a
    model or weights from elsewhere cannot be used.
    """
    if problems := check_structure(model, shape, classes):
        raise UserError(*problems)
    family = FAMILIES[model.kind]
    net = family.build(model, shape, classes)
    if model.weights is not None and not family.loads:
        from bnexp.models import weights

        weights.load(net, model.weights, weights.read(model.weights))
    return net
