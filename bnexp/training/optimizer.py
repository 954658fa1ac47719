"""The optimizers, by their PyTorch names."""

from collections.abc import Iterable

from torch import nn
from torch.optim import SGD as TorchSGD
from torch.optim import Adam as TorchAdam
from torch.optim import AdamW as TorchAdamW
from torch.optim import Optimizer
from torch.optim import RMSprop as TorchRMSprop

from bnexp.config import SGD, Adam, Momentum, RMSprop


def make_optimizer(
    config: SGD | Momentum | RMSprop | Adam, parameters: Iterable[nn.Parameter]
) -> Optimizer:
    """The optimizer of a configuration; fused where PyTorch has a fused one."""
    parameters = list(parameters)
    lr, decay = config.lr, config.weight_decay
    match config:
        case SGD():
            return TorchSGD(parameters, lr, weight_decay=decay, fused=True)
        case Momentum(momentum=momentum, name=name):
            nesterov = name == "nesterov"
            return TorchSGD(
                parameters, lr, momentum, weight_decay=decay, nesterov=nesterov, fused=True
            )
        case RMSprop(alpha=alpha, eps=eps):
            return TorchRMSprop(parameters, lr, alpha, eps, decay, foreach=True)
        case Adam(betas=[first, second], eps=eps, name=name):
            adam = TorchAdam if name == "adam" else TorchAdamW
            return adam(parameters, lr, (first, second), eps, decay, fused=True)
    raise AssertionError(config)
