"""How far an update moves the weights of every layer."""

from collections.abc import Callable

import torch
from torch import Tensor

from bnexp.probes.apart import eager, trained_weights
from bnexp.probes.moment import Moment
from bnexp.probes.recording import Recording, Row
from bnexp.probes.shift import layer_parameters
from bnexp.probes.watch import norm


def updates(moment: Moment) -> Recording | Callable[[], Recording]:
    """The coming update of each layer's weights, relative to the weights.

    Rows (layer, "relative_update", value) of the table `measures`: |W' - W| / |W|, W the weights of
    a linear or convolutional layer before the update, W' after it, whatever the optimizer. Of a
    parametrised weight its parameters are taken together; biases are left out. After the last
    update there is none to come, and nothing is recorded.
    """
    if moment.last:
        return Recording({"measures": []})
    model = eager(moment.model)
    layers = [
        (layer, [name for name in own if "bias" not in name.rpartition(".")[2]])
        for layer, own in layer_parameters(model, list(trained_weights(model)))
    ]
    before = {layer: _flat(trained_weights(model), names) for layer, names in layers if names}

    @torch.no_grad()
    def after() -> Recording:
        weights = trained_weights(model)
        rows: list[Row] = [
            (layer, "relative_update", norm(_flat(weights, names) - before[layer]) / norm(old))
            for layer, names in layers
            if (old := before.get(layer)) is not None
        ]
        return Recording({"measures": rows})

    return after


def _flat(weights: dict[str, Tensor], names: list[str]) -> Tensor:
    return torch.cat([weights[name].flatten() for name in names])
