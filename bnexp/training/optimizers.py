"""Every optimizer by name: its options, PyTorch's class, a line for people. Imports torch late.

All that bnexp knows of an optimizer is its entry here, and a preset in `conf/optimizer/`. A plugin
(bnexp/plugins.py) adds others with `register`.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from bnexp.section import Rate, Section

if TYPE_CHECKING:
    from torch import nn, optim


class Optimizer(Section):
    """The options of every optimizer, under PyTorch's names."""

    name: str = Field(description="a name of `bnexp list optimizers`")
    lr: float = Field(ge=0, description="learning rate")
    weight_decay: float = Field(ge=0, description="factor of the weights in their gradient")


class SGD(Optimizer):
    """Stochastic gradient descent without momentum."""

    name: Literal["sgd"]


class Momentum(Optimizer):
    """SGD with heavy-ball or Nesterov momentum."""

    name: Literal["momentum", "nesterov"]
    momentum: Annotated[float, Field(gt=0, lt=1)] = Field(description="decay of the velocity")


class RMSprop(Optimizer):
    """RMSprop."""

    name: Literal["rmsprop"]
    alpha: Rate = Field(description="decay of the squared gradients' average")
    eps: float = Field(gt=0, description="added to the root of that average")


class Adam(Optimizer):
    """Adam with L2 regularisation, or AdamW with decoupled weight decay."""

    name: Literal["adam", "adamw"]
    betas: list[Rate] = Field(min_length=2, max_length=2, description="decays of both averages")
    eps: float = Field(gt=0, description="added to the root of the squared gradients' average")


@dataclass(frozen=True)
class OptimizerInfo:
    """One optimizer: the import path of a torch.optim.Optimizer, and what it is called with.

    It is called with the parameters, the options by name and `fixed`. The field `name` of the
    options is a Literal.
    """

    summary: str
    kind: str
    options: type[Optimizer]
    fixed: Mapping[str, Any] = field(default_factory=dict)


OPTIMIZERS: dict[str, OptimizerInfo] = {}


def register(name: str, info: OptimizerInfo) -> None:
    """Add an optimizer for the rest of the process. ValueError where the name is taken."""
    if name in OPTIMIZERS:
        raise ValueError(f"there is an optimizer {name!r} already")
    OPTIMIZERS[name] = info


_SGD, _FUSED = "torch.optim.SGD", {"fused": True}  # in one kernel
register("sgd", OptimizerInfo("plain stochastic gradient descent", _SGD, SGD, _FUSED))
register("momentum", OptimizerInfo("SGD with momentum", _SGD, Momentum, _FUSED))
register(
    "nesterov",
    OptimizerInfo("SGD with Nesterov momentum", _SGD, Momentum, {"nesterov": True, **_FUSED}),
)
register("rmsprop", OptimizerInfo("RMSprop", "torch.optim.RMSprop", RMSprop, {"foreach": True}))
register(
    "adam",
    OptimizerInfo("Adam; weight decay is L2 regularisation", "torch.optim.Adam", Adam, _FUSED),
)
register(
    "adamw",
    OptimizerInfo("Adam with decoupled weight decay", "torch.optim.AdamW", Adam, _FUSED),
)


def make_optimizer(choice: Optimizer, parameters: Iterable[nn.Parameter]) -> optim.Optimizer:
    """The optimizer of a configuration; fused where PyTorch has a fused one.

    Momentum starts from zeros that are there from the first step on: PyTorch's fused SGD makes
    its buffers in that step without filling them, and keeps what it found in memory where the
    loss scaler skips it (https://github.com/LibreYOLO/libreyolo/issues/771); it refuses a
    parameter whose first gradient comes later (https://github.com/pytorch/pytorch/issues/122131).
    """
    import torch

    info = OPTIMIZERS[choice.name]
    module, _, name = info.kind.rpartition(".")
    options = choice.model_dump(exclude={"name"})
    made: optim.Optimizer = _eager(getattr(import_module(module), name))(
        list(parameters), **options, **info.fixed
    )
    for group in made.param_groups:
        if isinstance(made, torch.optim.SGD) and group["momentum"]:
            for parameter in group["params"]:
                made.state[parameter]["momentum_buffer"] = torch.zeros_like(
                    parameter, memory_format=torch.preserve_format
                )
    return made


def _eager(kind: Any) -> Any:
    """The class without the decorators that keep it out of compiled graphs.

    They import the compiler at the first step, which takes one or two seconds, and nothing here
    compiles an optimizer.
    """
    import torch

    plain = {name: inspect.unwrap(getattr(kind, name)) for name in ("add_param_group", "zero_grad")}
    step = torch.no_grad()(inspect.unwrap(kind.step))
    return type(kind.__name__, (kind,), {**plain, "step": step})
