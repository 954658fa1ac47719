"""The optimizers, by their PyTorch names."""

from collections.abc import Iterable
from functools import partial

import torch
from torch import nn

from bnexp.config import SGD, Adam, AnyOptimizer, Momentum, RMSprop


def make_optimizer(
    config: AnyOptimizer, parameters: Iterable[nn.Parameter]
) -> torch.optim.Optimizer:
    """The optimizer of a configuration; fused where PyTorch has a fused one."""
    shared = {"lr": config.lr, "weight_decay": config.weight_decay}
    match config:
        case SGD():
            make = partial(torch.optim.SGD, fused=True)
        case Momentum():
            nesterov = config.name == "nesterov"
            make = partial(torch.optim.SGD, momentum=config.momentum, nesterov=nesterov, fused=True)
        case RMSprop():
            make = partial(torch.optim.RMSprop, alpha=config.alpha, eps=config.eps, foreach=True)
        case Adam():
            cls = torch.optim.Adam if config.name == "adam" else torch.optim.AdamW
            betas = (config.betas[0], config.betas[1])
            make = partial(cls, betas=betas, eps=config.eps, fused=True)
    return make(list(parameters), **shared)
