"""Internal covariate shift, by gradients (arXiv:1805.11604, definition 2.1)."""

import torch
from torch import nn
from torch.nn.modules.conv import _ConvNd

from bnexp.probes.apart import eager, trained_weights
from bnexp.probes.fused import FUSED, fused_layers
from bnexp.probes.moment import Moment
from bnexp.probes.recording import Recording, Row
from bnexp.probes.watch import norm


def gradient_shift(moment: Moment) -> Recording:
    """How much a step of the layers below changes the gradient of each layer.

    G is the gradient of a layer's own weights and biases on the batch, and G' the same after
    everything below the layer has taken a plain gradient step of the learning rate, whatever the
    optimizer. Below is what the model defines earlier, norms included. Rows (layer, name, value)
    of the table `measures`: `gradient_shift` is |G - G'|, `gradient_cosine` the cosine of both.
    They are 0 and 1 for the first layer, by construction. Takes one pass more than there are
    layers; training does not notice, and nothing waits for the device.
    """
    model = eager(moment.model)
    at = moment.loss_and_gradient
    weights = trained_weights(model)
    _, before = at(weights)
    stepped = {name: weights[name] - moment.lr * before[name] for name in weights}
    names = list(weights)
    rows: list[Row] = []
    for layer, own in layer_parameters(model, names):
        below = names[: names.index(own[0])]
        _, after = at(weights | {name: stepped[name] for name in below}, own)
        g, h = (torch.cat([found[name].flatten() for name in own]) for found in (before, after))
        shift, g_norm, h_norm = norm(g - h), norm(g), norm(h)
        cosine = (g_norm**2 + h_norm**2 - shift**2) / (2 * g_norm * h_norm)
        rows += [(layer, "gradient_shift", shift), (layer, "gradient_cosine", cosine)]
    return Recording({"measures": rows})


def layer_parameters(model: nn.Module, trained: list[str]) -> list[tuple[str, list[str]]]:
    """Name and parameters of every linear or convolutional layer that is trained."""
    layers = []
    for path, module in model.named_modules():
        prefix = f"{path}." if path else ""
        if isinstance(module, nn.Linear | _ConvNd):
            names = [prefix + name for name, _ in module.named_parameters()]
            layers.append((path.removesuffix(".linear") or "model", names))
        elif isinstance(module, FUSED):
            layers += [
                (prefix + name, [prefix + weight, prefix + bias])
                for name, weight, bias, _ in fused_layers(module)
                if name != "out_proj"  # which is a Linear
            ]
    trained_too = [(layer, [name for name in names if name in trained]) for layer, names in layers]
    return [(layer, own) for layer, own in trained_too if own]
