"""From a model's configuration to the net."""

from torch import nn

from bnexp.errors import UserError
from bnexp.models.check import check_structure
from bnexp.models.families import FAMILIES
from bnexp.models.family import Normalised


def build_model(model: Normalised, shape: tuple[int, ...], classes: int) -> nn.Module:
    """Build a net that turns (N, *shape) into logits (N, classes), its weights newly drawn.

    `shape` is that of one sample: (C, H, W) for images. Raises UserError where model, norm and
    data do not go together, or a model from elsewhere cannot be built.
    """
    if problems := check_structure(model, shape, classes):
        raise UserError(*problems)
    return FAMILIES[model.kind].build(model, shape, classes)
