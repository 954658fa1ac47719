"""The optimizers, by their PyTorch names."""

import inspect
from collections.abc import Iterable

import torch
from torch import nn, optim

from bnexp import config

# torch decorates its optimizers to keep them out of compiled graphs, and the decorators import the
# compiler, which takes a second, at the first step. Nothing here compiles an optimizer.


class _Eager(optim.Optimizer):
    add_param_group = inspect.unwrap(optim.Optimizer.add_param_group)
    zero_grad = inspect.unwrap(optim.Optimizer.zero_grad)


class _SGD(_Eager, optim.SGD):
    step = torch.no_grad()(inspect.unwrap(optim.SGD.step))


class _RMSprop(_Eager, optim.RMSprop):
    step = torch.no_grad()(inspect.unwrap(optim.RMSprop.step))


class _Adam(_Eager, optim.Adam):
    step = torch.no_grad()(inspect.unwrap(optim.Adam.step))


class _AdamW(_Eager, optim.AdamW):
    step = torch.no_grad()(inspect.unwrap(optim.AdamW.step))


def make_optimizer(
    choice: config.AnyOptimizer, parameters: Iterable[nn.Parameter]
) -> optim.Optimizer:
    """The optimizer of a configuration; fused where PyTorch has a fused one."""
    parameters = list(parameters)
    lr, decay = choice.lr, choice.weight_decay
    match choice:
        case config.SGD():
            return _SGD(parameters, lr, weight_decay=decay, fused=True)
        case config.Momentum(momentum=momentum, name=name):
            nesterov = name == "nesterov"
            return _SGD(parameters, lr, momentum, weight_decay=decay, nesterov=nesterov, fused=True)
        case config.RMSprop(alpha=alpha, eps=eps):
            return _RMSprop(parameters, lr, alpha, eps, decay, foreach=True)
        case config.Adam(betas=[first, second], eps=eps, name=name):
            adam = _Adam if name == "adam" else _AdamW
            return adam(parameters, lr, (first, second), eps, decay, fused=True)
    raise AssertionError(choice)
