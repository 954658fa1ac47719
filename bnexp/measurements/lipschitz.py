"""How steep a discriminator becomes, with spectral norm and without."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bnexp.norms import attach_norm

INPUTS, HIDDEN = 100, 128  # the source's discriminator (section 11)
APART = 2.0  # distance of the two classes' means, in standard deviations


def measure(
    seed: int, steps: int = 300, lr: float = 0.1, batch_size: int = 64
) -> list[tuple[str, str, float]]:
    """Train the source's discriminator with spectral norm (`spectral`) and without (`none`).

    It tells two Gaussian clouds apart, by logistic loss and SGD, from the same weights and on
    the same batches. Of each net, in evaluation mode: `bound`, the product of its layers' largest
    singular values, which no slope exceeds since LeakyReLU's is at most 1; `slope`, the steepest
    gradient at 1,000 samples, which no Lipschitz constant is below; `accuracy` on them.
    """
    rows = []
    for norm in ("none", "spectral"):
        generator = torch.Generator().manual_seed(seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)  # spectral norm draws the start of its power iteration
            net = discriminator(norm, generator)
        optimizer = torch.optim.SGD(net.parameters(), lr)
        for _ in range(steps):
            x, y = clouds(batch_size, generator)
            F.binary_cross_entropy_with_logits(net(x)[:, 0], y).backward()
            optimizer.step()
            optimizer.zero_grad()
        net.eval()
        x, y = clouds(1000, generator)
        logits, steepest = slope(net, x)
        accuracy = ((logits > 0) == (y > 0)).float().mean().item()
        rows += [
            (norm, "bound", bound(net)),
            (norm, "slope", steepest),
            (norm, "accuracy", accuracy),
        ]
    return rows


def discriminator(norm: str, generator: torch.Generator) -> nn.Sequential:
    """Linear 100-128, LeakyReLU, linear 128-1, both layers with the norm on their weights."""
    layers = []
    for inputs, outputs in ((INPUTS, HIDDEN), (HIDDEN, 1)):
        layer = nn.Linear(inputs, outputs)
        with torch.no_grad():
            layer.weight.normal_(std=inputs**-0.5, generator=generator)
            layer.bias.zero_()
        layers.append(attach_norm(layer, norm, outputs)[0])
    return nn.Sequential(layers[0], nn.LeakyReLU(), layers[1])


def clouds(n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """n samples (n, 100) of two unit Gaussian clouds, and their labels 0 or 1 as floats."""
    y = torch.randint(2, (n,), generator=generator).float()
    x = torch.randn(n, INPUTS, generator=generator)
    x[:, 0] += APART * (y - 0.5)
    return x, y


@torch.no_grad()
def bound(net: nn.Sequential) -> float:
    """The product of the largest singular values of the linear layers' weights."""
    sigmas = [
        torch.linalg.matrix_norm(layer.weight, 2) for layer in net if isinstance(layer, nn.Linear)
    ]
    return float(torch.stack(sigmas).prod())


def slope(net: nn.Module, x: Tensor) -> tuple[Tensor, float]:
    """The logits (n,) of x, and the largest norm of their gradients with respect to the input."""
    x = x.clone().requires_grad_()
    logits = net(x)[:, 0]
    (gradients,) = torch.autograd.grad(logits.sum(), x)
    return logits.detach(), gradients.norm(dim=1).max().item()
