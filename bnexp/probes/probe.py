"""One pass of the instruments over a model and a batch, beside training."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.utils import parametrize

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
    out again. The tables `gradients`, `activations` and `histograms` are as in runs/FORMAT.md,
    without the step. A cell is None where there is nothing to measure: gradients of frozen
    layers, the dead fraction of anything but ReLU, the saturation of anything but tanh and
    sigmoid. Activations that are functions, not modules, are not seen.
    """
    model = getattr(model, "_orig_mod", model)  # of torch.compile: hooks need the eager module
    tables: dict[str, list[Row]] = {}
    with _random_state_kept(x.device):
        buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
        with (
            torch.set_grad_enabled(gradients),
            parametrize.cached(),  # so that `weight` is the tensor that the layer used
            watch(model, keep_tensors=activations or histograms) as seen,
            autocast or nullcontext(),
        ):
            output = functional_call(model, buffers, (x.clone(),))
            loss = loss_fn(output, y) if gradients else None
        layers = list(seen.values())
        if loss is not None:
            tables["gradients"] = _gradients(loss * loss_scale, layers, loss_scale)
    with torch.no_grad():
        for table, wanted, measure in (
            ("activations", activations, _activations),
            ("histograms", histograms, _histogram),
        ):
            if wanted:
                tables[table] = [
                    (layer.name, index, name, *measure(layer, name, calls))
                    for index, layer in enumerate(layers, 1)
                    for name, calls in layer.tensors.items()
                ]
    return Recording(tables)


@contextmanager
def _random_state_kept(device: torch.device) -> Iterator[None]:
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        mps = torch.mps.get_rng_state() if device.type == "mps" else None
        try:
            yield
        finally:
            if mps is not None:
                torch.mps.set_rng_state(mps)


def _gradients(loss: Tensor, layers: list[Layer], scale: float | Tensor) -> list[Row]:
    trained = [layer for layer in layers if layer.weight.requires_grad]
    weights = [layer.weight for layer in trained]
    found = torch.autograd.grad(loss, weights, allow_unused=True) if weights else ()
    by_weight = {layer.name: dw for layer, dw in zip(trained, found, strict=True) if dw is not None}
    rows: list[Row] = []
    for index, layer in enumerate(layers, 1):
        dw = by_weight.get(layer.name)
        dz = layer.gradient_norms
        rows.append(
            (
                layer.name,
                index,
                None if dw is None else norm(dw) / scale,
                norm(layer.weight),
                norm(torch.stack(dz)) / scale if dz else None,
            )
        )
    return rows


def _activations(layer: Layer, name: str, calls: list[Tensor]) -> Row:
    x = pooled(calls)
    dead = saturated = None
    if name == "activation" and layer.activation is not None:
        dead = dead_fraction(calls, layer.unit_axis, layer.activation)
        saturated = saturated_fraction(x, layer.activation)
    return (*moments(x), *percentiles(x), dead, saturated)


def _histogram(layer: Layer, name: str, calls: list[Tensor]) -> Row:
    return histogram(pooled(calls))
