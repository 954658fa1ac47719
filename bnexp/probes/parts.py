"""Parts of a layer: the heads of an attention, the gates of an LSTM."""

import torch
from torch import Tensor

from bnexp.probes.recording import Row
from bnexp.probes.statistics import dead_fraction, moments, pooled, saturated_fraction
from bnexp.probes.watch import Layer, norm


def part_gradients(layer: Layer, scale: float | Tensor) -> list[Row]:
    """Rows (layer.part, name, value) of `measures`, named as the columns of `gradients`."""
    rows: list[Row] = []
    count = len(layer.parts)
    for n, part in enumerate(layer.parts):
        name = f"{layer.name}.{part}"
        if layer.weight_gradient is not None:
            dw = norm(layer.weight_gradient.chunk(count)[n]) / scale
            rows.append((name, "weight_gradient_norm", dw))
        rows.append((name, "weight_norm", norm(layer.weight.chunk(count)[n])))
        if layer.part_gradient_norms:
            dz = norm(torch.stack(layer.part_gradient_norms)[:, n]) / scale
            rows.append((name, "activation_gradient_norm", dz))
    return rows


def part_activations(layer: Layer) -> list[Row]:
    """Rows of `measures`, named `pre_activation_mean`, ... after the columns of `activations`."""
    rows: list[Row] = []
    for tensor in ("pre_activation", "activation"):
        for n, part in enumerate(layer.parts):
            calls = [
                call.chunk(len(layer.parts), layer.unit_axis)[n]
                for call in layer.tensors.get(tensor, [])
            ]
            if not calls:
                continue
            values, name = pooled(calls), f"{layer.name}.{part}"
            mean, std = moments(values)
            rows += [(name, f"{tensor}_mean", mean), (name, f"{tensor}_std", std)]
            if tensor == "activation" and layer.activation is not None:
                activation = getattr(layer.activation, "parts", [layer.activation] * (n + 1))[n]
                fractions = {
                    "dead_fraction": dead_fraction(calls, layer.unit_axis, activation),
                    "saturated_fraction": saturated_fraction(values, activation),
                }
                rows += [(name, what, x) for what, x in fractions.items() if x is not None]
    return rows
