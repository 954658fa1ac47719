"""How far a batch's statistics scatter on Gaussian data, against closed forms."""

import math
from collections.abc import Sequence

import torch
from torch import nn

MEAN, SIGMA = 3.0, 2.0
EPS = 1e-7  # at the usual 1e-5 near-ties in batches of 2 are visibly not -1 and 1
WARM_UP = 200  # batches before the running mean is stationary


@torch.no_grad()
def measure(
    seed: int, sizes: Sequence[int] = (2, 4, 8, 16, 32), channels: int = 2_000, batches: int = 500
) -> list[tuple[str, str, float]]:
    """Return rows ("batch_B", name, value) of BatchNorm1d on batches of B samples of N(3, 4).

    Each name comes with its prediction as `NAME_predicted`, sigma^2 = 4, m = 0.1 the momentum:

    - `mean_variance`: of the batch mean; sigma^2 / B
    - `variance_spread`: standard deviation of the unbiased variance over sigma^2;
      sqrt(2 / (B - 1))
    - `largest`: greatest absolute normalised value; at most sqrt(B - 1)
    - `kurtosis`: of normalised values; 3 (B - 1) / (B + 1)
    - `relu_excess`: mean of ReLU(BN(x)) in training over evaluation mode, less 1; see
      `relu_excess`
    - `running_mean_spread`: standard deviation of the stationary running mean;
      sigma / sqrt(B) sqrt(m / (2 - m))

    The statistics of a batch are read off the layer with momentum 1, whose running statistics
    they then are.
    """
    rows = []
    for size in sizes:
        generator = torch.Generator().manual_seed(1_000 * seed + size)
        found = _measured(size, channels, batches, generator)
        m = 0.1
        predicted = {
            "mean_variance": SIGMA**2 / size,
            "variance_spread": math.sqrt(2 / (size - 1)),
            "largest": math.sqrt(size - 1),
            "kurtosis": 3 * (size - 1) / (size + 1),
            "relu_excess": relu_excess(size),
            "running_mean_spread": SIGMA / math.sqrt(size) * math.sqrt(m / (2 - m)),
        }
        for name, value in predicted.items():
            rows.append((f"batch_{size}", name, found[name]))
            rows.append((f"batch_{size}", f"{name}_predicted", value))
    return rows


def relu_excess(size: int) -> float:
    """E[max(0, x_hat)] over a batch of Gaussian values, over that of the population, less 1.

    x_hat / sqrt(B - 1) is a coordinate of a random direction in B - 1 dimensions, so
    E|x_hat| = sqrt(B - 1) Gamma((B - 1) / 2) / (sqrt(pi) Gamma(B / 2)), which is sqrt(2 / pi)
    for the population.
    """
    log = math.lgamma((size - 1) / 2) - math.lgamma(size / 2)
    return math.sqrt((size - 1) / 2) * math.exp(log) - 1


def _measured(
    size: int, channels: int, batches: int, generator: torch.Generator
) -> dict[str, float]:
    """The six numbers, over all batches and channels."""
    newest = nn.BatchNorm1d(channels, EPS, momentum=1.0)
    slow, population = nn.BatchNorm1d(channels), nn.BatchNorm1d(channels).eval()
    for norm, name, value in (
        (slow, "running_mean", MEAN),
        (population, "running_mean", MEAN),
        (population, "running_var", SIGMA**2),
    ):
        norm.get_buffer(name).fill_(value)
    means, variances, running = [], [], []
    square = fourth = relu = relu_in_evaluation = largest = 0.0
    for batch in range(WARM_UP + batches):
        x = MEAN + SIGMA * torch.randn(size, channels, generator=generator)
        slow(x)
        if batch < WARM_UP:
            continue
        x_hat = newest(x)
        means.append(newest.get_buffer("running_mean").clone())
        variances.append(newest.get_buffer("running_var").clone())
        running.append(slow.get_buffer("running_mean").clone())
        square += x_hat.square().mean().item() / batches
        fourth += x_hat.pow(4).mean().item() / batches
        relu += x_hat.relu().mean().item()
        relu_in_evaluation += population(x).relu().mean().item()
        largest = max(largest, x_hat.abs().max().item())
    return {
        "mean_variance": torch.stack(means).var().item(),
        "variance_spread": torch.stack(variances).std().item() / SIGMA**2,
        "largest": largest,
        "kurtosis": fourth / square**2,
        "relu_excess": relu / relu_in_evaluation - 1,
        "running_mean_spread": torch.stack(running).std().item(),
    }
