"""The loss along the gradient's direction (arXiv:1805.11604, section 3 and figure 4)."""

import torch
from torch import Tensor

from bnexp.probes.apart import Weights, eager, trained_weights
from bnexp.probes.moment import Moment
from bnexp.probes.recording import Recording
from bnexp.probes.watch import norm

LENGTHS = (0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0)  # of a step, in learning rates


def smoothness(moment: Moment) -> Recording:
    """How loss and gradient vary along the gradient g of the batch.

    Of plain gradient steps of 1/2 to 4 learning rates, whatever the optimizer, g' is the gradient
    after one. Rows (layer, name, value) of the table `measures`, the layer being "model":
    `loss_range`, the largest loss after a step less the smallest, in nats; `gradient_range`, the
    largest |g - g'|; `effective_smoothness`, the largest |g - g'| over the distance moved. Takes
    nine passes; training does not notice, and nothing waits for the device.
    """
    at = moment.loss_and_gradient
    weights, lr = trained_weights(eager(moment.model)), moment.lr
    _, g = at(weights)
    losses, changes, slopes = [], [], []
    for length in LENGTHS:
        moved = {name: weights[name] - length * lr * g[name] for name in weights}
        loss, h = at(moved)
        change = _norm({name: g[name] - h[name] for name in g})
        losses.append(loss)
        changes.append(change)
        slopes.append(change / (length * lr * _norm(g)))
    ranged = torch.stack(losses)
    measured = {
        "loss_range": ranged.amax() - ranged.amin(),
        "gradient_range": torch.stack(changes).amax(),
        "effective_smoothness": torch.stack(slopes).amax(),
    }
    return Recording({"measures": [("model", name, value) for name, value in measured.items()]})


def _norm(gradient: Weights) -> Tensor:
    return norm(torch.stack([norm(part) for part in gradient.values()]))
