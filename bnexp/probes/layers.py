"""Gradients and activations of every layer, in one pass that the three instruments share.

The tables are as in runs/FORMAT.md, without the step. A cell is None where there is nothing to
measure: gradients of frozen layers, the dead fraction of anything but ReLU, the saturation of
anything but tanh and sigmoid. Activations that are functions, not modules, are not seen.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from bnexp.probes.moment import Moment
from bnexp.probes.parts import part_activations, part_gradients
from bnexp.probes.recording import Recording, Row
from bnexp.probes.statistics import (
    dead_fraction,
    histogram,
    moments,
    percentiles,
    pooled,
    saturated_fraction,
)
from bnexp.probes.watch import Layer, norm


def gradients(moment: Moment) -> Recording:
    """Norms of dL/dW, W and dL/dz of every layer, z its output: the table `gradients`.

    Norms of parts of a layer, such as heads or gates, go to `measures`.
    """
    rows: list[Row] = []
    measures: list[Row] = []
    for index, layer in enumerate(moment.layers, 1):
        dw, dz = layer.weight_gradient, layer.output_gradient_norms
        dw_norm = None if dw is None else norm(dw) / moment.loss_scale
        dz_norm = norm(torch.stack(dz)) / moment.loss_scale if dz else None
        rows.append((layer.name, index, dw_norm, norm(layer.weight), dz_norm))
        measures += part_gradients(layer, moment.loss_scale)
    return Recording({"gradients": rows, "measures": measures})


@torch.no_grad()
def activations(moment: Moment) -> Recording:
    """Statistics of the inputs of layers, and of inputs and outputs of activations: `activations`.

    Statistics of parts of a layer, such as heads or gates, go to `measures`.
    """
    rows: list[Row] = []
    for index, layer, name, values in _tensors(moment):
        row = (*moments(values), *percentiles(values), *_fractions(layer, name, values))
        rows.append((layer.name, index, name, *row))
    measures = [row for layer in moment.layers for row in part_activations(layer)]
    return Recording({"activations": rows, "measures": measures})


@torch.no_grad()
def histograms(moment: Moment) -> Recording:
    """Histograms of the same tensors: the table `histograms`."""
    rows: list[Row] = [
        (layer.name, index, name, *histogram(values))
        for index, layer, name, values in _tensors(moment)
    ]
    return Recording({"histograms": rows})


def _tensors(moment: Moment) -> Iterator[tuple[int, Layer, str, Tensor]]:
    for index, layer in enumerate(moment.layers, 1):
        for name, calls in layer.tensors.items():
            yield index, layer, name, pooled(calls)


def _fractions(layer: Layer, name: str, values: Tensor) -> Row:
    if name != "activation" or layer.activation is None:
        return None, None
    dead = dead_fraction(layer.tensors[name], layer.unit_axis, layer.activation)
    return dead, saturated_fraction(values, layer.activation)
