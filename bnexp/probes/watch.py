"""Hooks that watch one forward pass: which layers ran, and on what."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from bnexp.probes.fused import FUSED, fused_layers

ACTIVATIONS = (
    nn.CELU, nn.ELU, nn.GELU, nn.Hardsigmoid, nn.Hardswish, nn.Hardtanh, nn.LeakyReLU, nn.Mish,
    nn.PReLU, nn.ReLU, nn.RReLU, nn.SELU, nn.SiLU, nn.Sigmoid, nn.Softplus, nn.Softsign, nn.Tanh,
)  # fmt: skip


@dataclass
class Layer:
    """What one linear or convolutional layer did in a pass."""

    name: str
    weight: Tensor  # as the layer used it: of a weight-normed layer the product, not g or v
    unit_axis: int  # the axis of units or channels in its output
    weight_gradient: Tensor | None = None  # this and the next are filled after the pass
    output_gradient_norms: list[Tensor] = field(default_factory=list)  # of dL/dz, by call
    tensors: dict[str, list[Tensor]] = field(default_factory=dict)  # see FORMAT.md, by call
    activation: nn.Module | None = None
    parts: tuple[str, ...] = ()  # names of equal shares of its units: heads, gates
    part_gradient_norms: list[Tensor] = field(default_factory=list)  # (parts,), by call

    def gradient_came(self, gradient: Tensor) -> None:
        """Keep the norms of dL/dz of one call."""
        self.output_gradient_norms.append(norm(gradient))
        if self.parts:
            shares = gradient.chunk(len(self.parts), self.unit_axis)
            self.part_gradient_norms.append(torch.stack([norm(share) for share in shares]))


@contextmanager
def watch(model: nn.Module, keep_tensors: bool) -> Iterator[dict[str, Layer]]:
    """Fill the dictionary, within the context, with the layers in the order of their first call.

    A layer is a Linear or a convolution that is called as a module, or one inside a module of
    FUSED, of which less is seen. Its activation is the first activation module called after it:
    one of ACTIVATIONS, or a single module named `activation`. A layer's attribute `parts` names
    equal shares of its units, which are then measured by themselves too.
    """
    layers: dict[str, Layer] = {}
    latest: Layer | None = None  # the layer called last, until its activation has returned

    def layer_called(path: str, module: Any, args: tuple[Any, ...], z: Tensor) -> Tensor | None:
        nonlocal latest
        if path not in layers:
            axis = -1 - len(module.kernel_size) if isinstance(module, _ConvNd) else -1
            name, parts = path.removesuffix(".linear") or "model", getattr(module, "parts", ())
            layers[path] = Layer(name, module.weight, axis, parts=parts)
        latest = layer = layers[path]
        if keep_tensors and args:
            layer.tensors.setdefault("input", []).append(args[0].detach())
        if not z.requires_grad:
            return None
        z.register_hook(layer.gradient_came)
        return z.clone() if z._is_view() else None  # in-place work on a view loses its hook

    def fused_called(path: str, module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        nonlocal latest
        latest = None
        for name, weight, _, parts in fused_layers(module):
            at = f"{path}.{name}" if path else name
            if at in layers:
                continue
            layers[at] = layer = Layer(at, module.get_parameter(weight), -1, parts=parts)
            if name == "out_proj" and output[0].requires_grad:
                output[0].register_hook(layer.gradient_came)
            elif name == "in_proj" and keep_tensors and args:
                layer.tensors["input"] = [args[0].detach()]

    def activation_called(module: nn.Module, args: tuple[Any, ...]) -> None:
        if latest and args:  # copied: this module or a later one may work in place
            latest.tensors.setdefault("pre_activation", []).append(args[0].detach().clone())

    def activation_returned(module: nn.Module, args: tuple[Any, ...], a: Tensor) -> None:
        nonlocal latest
        if latest:
            latest.tensors.setdefault("activation", []).append(a.detach().clone())
            latest.activation = module
        latest = None

    handles = []
    try:
        for path, module in model.named_modules():
            if isinstance(module, nn.Linear | _ConvNd):
                handles.append(module.register_forward_hook(partial(layer_called, path)))
            elif isinstance(module, FUSED):
                handles.append(module.register_forward_hook(partial(fused_called, path)))
            elif keep_tensors and _is_activation(path, module):
                handles.append(module.register_forward_pre_hook(activation_called))
                handles.append(module.register_forward_hook(activation_returned))
        yield layers
    finally:
        for handle in handles:
            handle.remove()


def _is_activation(path: str, module: nn.Module) -> bool:
    named = path.rpartition(".")[2] == "activation" and not any(module.children())
    return named or isinstance(module, ACTIVATIONS)


def norm(x: Tensor) -> Tensor:
    """The L2 norm, in double precision: squares of values below 1e-22 vanish in single."""
    wide = torch.float32 if x.device.type == "mps" else torch.float64
    length: Tensor = torch.linalg.vector_norm(x.detach(), dtype=wide)
    return length
