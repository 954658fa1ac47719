"""One pass of the instruments over a model and a batch, beside training."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from bnexp.probes.apart import eager, forward_apart, random_state_kept
from bnexp.probes.parts import part_activations, part_gradients, spread_over_steps
from bnexp.probes.recording import Recording, Row
from bnexp.probes.statistics import (
    dead_fraction,
    histogram,
    moments,
    percentiles,
    pooled,
    saturated_fraction,
)
from bnexp.probes.watch import Layer, norm, watch


def record(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    loss_fn: Callable[[Any, Tensor], Tensor],
    *,
    gradients: bool = False,
    activations: bool = False,
    histograms: bool = False,
    autocast: AbstractContextManager[Any] | None = None,
    loss_scale: float | Tensor = 1.0,
) -> Recording:
    """Measure the layers of `model` on the batch x, y as its next training step would see them.

    Runs the model once, eagerly and in the mode it is in, on copies of its buffers and of x; the
    random state is put back and `.grad` never touched, so training does not notice. Model may be
    any nn.Module, also one that is compiled. Nothing waits for the device. `loss_fn(output, y)`
    is the mean loss; `loss_scale` keeps half-precision gradients from vanishing and is divided
    out again. The tables `gradients`, `activations`, `histograms` and, for parts of layers and
    for steps, `measures` are as in runs/FORMAT.md, without the step. A cell is None where there is
    nothing to measure: gradients of frozen layers, the dead fraction of anything but ReLU, the
    saturation of anything but tanh and sigmoid. Activations that are functions, not modules, are
    not seen.
    """
    model = eager(model)
    wanted = {"gradients": gradients, "activations": activations, "histograms": histograms}
    tables: dict[str, list[Row]] = {name: [] for name in wanted if wanted[name]}
    measures: list[Row] = []
    with random_state_kept(x.device):
        with (
            torch.set_grad_enabled(gradients),
            parametrize.cached(),  # so that `weight` is the tensor that the layer used
            watch(model, keep_tensors=activations or histograms) as seen,
            autocast or nullcontext(),
        ):
            output = forward_apart(model, x)
            loss = loss_fn(output, y) * loss_scale if gradients else None
        layers = list(seen.values())
        if loss is not None:
            tables["gradients"] = _gradients(loss, layers, loss_scale)
            measures += [row for layer in layers for row in part_gradients(layer, loss_scale)]
    with torch.no_grad():
        for index, layer in enumerate(layers, 1):
            if activations:
                measures += [*part_activations(layer), *spread_over_steps(layer)]
            for name, calls in layer.tensors.items():
                values = pooled(calls)
                if activations:
                    row = (*moments(values), *percentiles(values), *_fractions(layer, name, values))
                    tables["activations"].append((layer.name, index, name, *row))
                if histograms:
                    tables["histograms"].append((layer.name, index, name, *histogram(values)))
    return Recording(tables | ({"measures": measures} if measures else {}))


def _gradients(loss: Tensor, layers: list[Layer], scale: float | Tensor) -> list[Row]:
    trained = [layer for layer in layers if layer.weight.requires_grad]
    if trained:
        weights = [layer.weight for layer in trained]
        found = torch.autograd.grad(loss, weights, allow_unused=True)
        for layer, gradient in zip(trained, found, strict=True):
            layer.weight_gradient = gradient
    rows: list[Row] = []
    for index, layer in enumerate(layers, 1):
        dw, dz = layer.weight_gradient, layer.output_gradient_norms
        dw_norm = None if dw is None else norm(dw) / scale
        dz_norm = norm(torch.stack(dz)) / scale if dz else None
        rows.append((layer.name, index, dw_norm, norm(layer.weight), dz_norm))
    return rows


def _fractions(layer: Layer, name: str, values: Tensor) -> Row:
    if name != "activation" or layer.activation is None:
        return None, None
    dead = dead_fraction(layer.tensors[name], layer.unit_axis, layer.activation)
    return dead, saturated_fraction(values, layer.activation)
