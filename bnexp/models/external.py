"""Models that others wrote: torchvision's, and any importable nn.Module."""

import inspect
from difflib import get_close_matches
from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn

from bnexp.config import Module, Torchvision
from bnexp.errors import UserError
from bnexp.norms import swap_norms


class GrayToColor(nn.Module):
    """Repeats the one channel of a grey image for a `model` that expects three."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        return self.model(x.expand(-1, 3, *x.shape[2:]))


def build_external(model: Torchvision, shape: tuple[int, ...], classes: int) -> nn.Module:
    """A model with untrained weights, its normalisers swapped unless `norm` is `keep`.

    UserError where it cannot be built, or does not turn (N, *shape) into logits (N, classes).
    """
    net = _module(model, shape, classes) if isinstance(model, Module) else _torchvision(
        model, shape, classes
    )
    if model.norm != "keep":
        swap_norms(net, model.norm, **model.norm_options)
    _try_out(net, model.name, shape, classes)
    return net


def _torchvision(model: Torchvision, shape: tuple[int, ...], classes: int) -> nn.Module:
    from torchvision import models

    names = models.list_models(module=models)
    if model.name not in names:
        near = ", ".join(get_close_matches(model.name, names, n=3)) or "resnet18"
        raise UserError(f"model.name={model.name}: no torchvision classification model; near: {near}")
    try:
        net = models.get_model(model.name, weights=None, num_classes=classes, **model.kwargs)
    except (TypeError, ValueError) as error:
        raise UserError(f"model.kwargs={model.kwargs}: {model.name} refuses them: {error}") from error
    return GrayToColor(net) if shape[0] == 1 else net


def _module(model: Module, shape: tuple[int, ...], classes: int) -> nn.Module:
    """Call the class or function, with `num_classes` and `shape` if it has such parameters."""
    home, _, name = model.name.rpartition(".")
    try:
        make = getattr(import_module(home), name)
    except (ImportError, AttributeError) as error:
        raise UserError(f"model.name={model.name}: cannot be imported: {error}") from error
    given: dict[str, Any] = {"num_classes": classes, "shape": shape}
    parameters = inspect.signature(make).parameters
    given = {key: value for key, value in given.items() if key in parameters} | model.kwargs
    try:
        net = make(**given)
    except TypeError as error:
        raise UserError(f"model.kwargs={model.kwargs}: {model.name} refuses them: {error}") from error
    if not isinstance(net, nn.Module):
        raise UserError(f"model.name={model.name}: gives {type(net).__name__}, not an nn.Module")
    return net


def _try_out(net: nn.Module, name: str, shape: tuple[int, ...], classes: int) -> None:
    was_training = net.training
    net.eval()
    with torch.random.fork_rng(), torch.no_grad():
        try:
            logits = net(torch.zeros(2, *shape))
        except (RuntimeError, ValueError, TypeError, IndexError) as error:
            line = str(error).strip().partition("\n")[0]
            raise UserError(f"model.name={name}: fails on samples of {list(shape)}: {line}") from error
    net.train(was_training)
    if not isinstance(logits, Tensor) or logits.shape != (2, classes):
        got = list(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
        raise UserError(f"model.name={name}: two samples give {got}, not logits [2, {classes}]")
