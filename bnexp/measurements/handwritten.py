"""A batch norm written out on plain tensors, as lecture notes do, beside PyTorch's layer."""

import torch
from torch import Tensor, nn

EPS, MOMENTUM = 1e-5, 0.1


class PlainBatchNorm:
    """Batch norm of (N, C) whose scale, shift and statistics are tensors of a plain class."""

    def __init__(self, channels: int) -> None:
        self.gamma, self.beta = torch.ones(channels), torch.zeros(channels)
        self.running_mean, self.running_var = torch.zeros(channels), torch.ones(channels)

    def __call__(self, x: Tensor) -> Tensor:
        """Normalise by the batch's mean and variance by 1/B, and average both."""
        mean, var = x.mean(0), x.var(0, unbiased=False)
        self.running_mean = (1 - MOMENTUM) * self.running_mean + MOMENTUM * mean.detach()
        self.running_var = (1 - MOMENTUM) * self.running_var + MOMENTUM * var.detach()
        return self.gamma * (x - mean) / torch.sqrt(var + EPS) + self.beta


def measure(
    seed: int, samples: int = 8, channels: int = 3, steps: int = 1000
) -> list[tuple[str, str, float]]:
    """What an optimizer and a gradient find in either layer, and where they disagree.

    `learnt_values` are the numbers that an optimizer would be given; `has_gradient` is 1 where
    gamma gets a gradient from a loss; `largest_output_difference` is between the two layers'
    outputs in training; `running_variance` the mean over channels and the last half of `steps`
    batches of standard normal values.
    """
    generator = torch.Generator().manual_seed(seed)
    plain, layer = PlainBatchNorm(channels), nn.BatchNorm1d(channels, eps=EPS, momentum=MOMENTUM)
    rows = []
    learnt = {
        "plain": [value for value in vars(plain).values() if isinstance(value, nn.Parameter)],
        "torch": list(layer.parameters()),
    }
    difference, kept = 0.0, []
    for _ in range(steps):
        x = torch.randn(samples, channels, generator=generator)
        difference = max(difference, (plain(x) - layer(x)).abs().max().item())
        assert layer.running_var is not None
        kept.append(torch.stack([plain.running_var.mean(), layer.running_var.mean()]))
    plain_variance, torch_variance = torch.stack(kept[steps // 2 :]).mean(0).tolist()
    x = torch.randn(samples, channels, generator=generator, requires_grad=True)
    for name, output, gamma in (
        ("plain", plain(x), plain.gamma),
        ("torch", layer(x), layer.weight),
    ):
        (output**3).sum().backward()
        rows += [
            (name, "learnt_values", float(sum(p.numel() for p in learnt[name]))),
            (name, "has_gradient", float(gamma.grad is not None)),
        ]
    return [
        *rows,
        ("plain", "largest_output_difference", difference),
        ("plain", "running_variance", plain_variance),
        ("torch", "running_variance", torch_variance),
    ]
