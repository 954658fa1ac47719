"""One large batch against several small ones whose gradients are accumulated."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bnexp.norms import make_norm

INPUTS, HIDDEN, CLASSES = 20, 64, 10


def measure(seed: int, batch_size: int = 32, parts: int = 4) -> list[tuple[str, str, float]]:
    """Return rows (norm, name, value) for `batch`, `layer` and `group` norm.

    `gradient_difference` is |g - h| / |g|, g the gradient of a batch of 32 and h the average of
    the gradients of 4 parts of 8 samples each; `samples_per_statistic` is how many samples of the
    accumulated batch share their statistics: those on which a sample's output depends.
    """
    rows = []
    for norm in ("batch", "layer", "group"):
        torch.manual_seed(seed)
        net = nn.Sequential(
            nn.Linear(INPUTS, HIDDEN),
            make_norm(norm, HIDDEN),
            nn.ReLU(),
            nn.Linear(HIDDEN, CLASSES),
        ).double()
        x = torch.randn(batch_size, INPUTS, dtype=torch.float64)
        y = torch.randint(CLASSES, (batch_size,))
        whole = _gradient(net, x, y, 1)
        accumulated = _gradient(net, x, y, parts)
        difference = ((whole - accumulated).norm() / whole.norm()).item()
        rows += [
            (norm, "gradient_difference", difference),
            (norm, "samples_per_statistic", _sharing(net, x[: batch_size // parts])),
        ]
    return rows


def _gradient(net: nn.Module, x: Tensor, y: Tensor, parts: int) -> Tensor:
    net.zero_grad()
    for x_part, y_part in zip(x.chunk(parts), y.chunk(parts), strict=True):
        (F.cross_entropy(net(x_part), y_part) / parts).backward()
    return torch.cat([p.grad.flatten() for p in net.parameters() if p.grad is not None])


def _sharing(net: nn.Module, x: Tensor) -> float:
    """How many samples of a forward pass the first one's output depends on."""
    x = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(net(x)[0].sum(), x)
    return float((gradient != 0).any(1).sum())
