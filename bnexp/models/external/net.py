"""Models that others wrote: torchvision's, and any importable nn.Module."""

import inspect
from difflib import get_close_matches
from typing import Any

import torch
from torch import Tensor, nn

from bnexp.errors import UserError
from bnexp.importing import import_object
from bnexp.models import weights
from bnexp.models.external import Module, Torchvision
from bnexp.norms import swap_norms

# In training these return the logits of auxiliary outputs too, unless told not to.
_AUXILIARY = {
    name: {"aux_logits": False, "init_weights": True} for name in ("googlenet", "inception_v3")
}


class GrayToColor(nn.Module):
    """Repeats the one channel of a grey image for a `model` that expects three."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        logits: Tensor = self.model(x.expand(-1, 3, *x.shape[2:]))
        return logits


def build_external(model: Torchvision, shape: tuple[int, ...], classes: int) -> nn.Module:
    """A model whose normalisers are swapped unless `norm` is `keep`.

    `model.weights` may be of the model as it came or as it is with its normalisers swapped.

    A class or function of the user's is called with model.kwargs, and with `num_classes` and
    `shape` (of one sample) where it has parameters of these names. torchvision's models get
    images of one channel through GrayToColor. UserError where the model cannot be built, or does
    not turn (N, *shape) into logits (N, classes).
    """
    if isinstance(model, Module):
        net = _module(model, shape, classes)
    else:
        net = _torchvision(model, classes)
    given = None if model.weights is None else weights.read(model.weights)
    if model.weights is not None and given is not None and weights.fits(net, given):
        weights.load(net, model.weights, given)
        given = None
    if model.norm != "keep":
        try:
            swap_norms(net, model.norm, **model.norm_options)
        except UserError as error:
            raise UserError(*(f"model.norm={model.norm}: {x}" for x in error.lines)) from error
    if not isinstance(model, Module) and shape[0] == 1:
        net = GrayToColor(net)
    if model.weights is not None and given is not None:
        weights.load(net, model.weights, given)
    _try_out(net, model.name, shape, classes)
    return net


def _torchvision(model: Torchvision, classes: int) -> nn.Module:
    from torchvision import models

    names = models.list_models(module=models)
    if model.name not in names:
        near = ", ".join(get_close_matches(model.name, names, n=3)) or "resnet18"
        raise UserError(
            f"model.name={model.name}: no torchvision classification model; near: {near}"
        )
    kwargs = {"num_classes": classes} | _AUXILIARY.get(model.name, {}) | model.kwargs
    net: nn.Module = _call(models.get_model_builder(model.name), kwargs, model)
    return net


def _module(model: Module, shape: tuple[int, ...], classes: int) -> nn.Module:
    try:
        make = import_object(model.name)
        parameters = inspect.signature(make).parameters
    except Exception as error:
        raise UserError(f"model.name={model.name}: cannot be imported: {_line(error)}") from error
    given = {"num_classes": classes, "shape": shape}
    given = {key: value for key, value in given.items() if key in parameters}
    net = _call(make, given | model.kwargs, model)
    if not isinstance(net, nn.Module):
        raise UserError(f"model.name={model.name}: gives {type(net).__name__}, not an nn.Module")
    return net


def _call(make: Any, kwargs: dict[str, Any], model: Torchvision) -> Any:
    try:
        return make(**kwargs)
    except Exception as error:
        raise UserError(
            f"model.name={model.name}: cannot be built with {kwargs}: {_line(error)}"
        ) from error


def _try_out(net: nn.Module, name: str, shape: tuple[int, ...], classes: int) -> None:
    was_training = net.training
    net.eval()
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        try:
            logits = net(torch.zeros(2, *shape))
        except Exception as error:
            raise UserError(
                f"model.name={name}: fails on samples of {list(shape)}: {_line(error)}"
            ) from error
    net.train(was_training)
    if not isinstance(logits, Tensor) or logits.shape != (2, classes):
        got = list(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
        raise UserError(f"model.name={name}: two samples give {got}, not logits [2, {classes}]")


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".strip().partition("\n")[0]
