"""Parts of a layer: the heads of an attention, the gates of an LSTM, steps and tokens."""

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


def spread_over_steps(layer: Layer) -> list[Row]:
    """How much the statistics of a layer's pre-activations differ between steps, or tokens.

    Rows `pre_activation_mean_spread` and `pre_activation_std_spread` of `measures`: each unit's
    mean and standard deviation over the batch are taken at every step; their standard deviation
    over the steps, as a root mean square over the units, is given as a share of the standard
    deviation of all values. Steps are the calls of a recurrent layer, or the axis of tokens.
    """
    calls = layer.tensors.get("pre_activation", [])
    if len(calls) > 1 and all(call.shape == calls[0].shape for call in calls):
        steps = torch.stack(calls, 1)
    elif len(calls) == 1 and calls[0].dim() == 3 and layer.unit_axis == -1:
        steps = calls[0]
    else:
        return []
    if steps.dim() != 3 or len(steps) < 2:
        return []
    steps = steps.float()  # (N, T, units)
    _, std = moments(steps.flatten())
    of_means, of_stds = (
        x.var(0, correction=0).mean().sqrt() / std
        for x in (steps.mean(0), steps.std(0, correction=0))
    )
    return [
        (layer.name, "pre_activation_mean_spread", of_means),
        (layer.name, "pre_activation_std_spread", of_stds),
    ]
