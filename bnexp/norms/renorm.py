"""Batch renormalisation: batch norm corrected towards the running statistics."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bnexp.norms.layers import check_batch, check_input
from bnexp.norms.manual import compute_dtype, normalise_by, statistics


class BatchRenorm(nn.Module):
    """Batch renormalisation (arXiv:1702.03275, algorithm 1).

    With std_B = sqrt(var_B + eps) of the batch and the running mean and std from before it,

        y = weight ((x - mean_B) / std_B r + d) + bias
        r = clip(std_B / std, 1 / r_max, r_max)     d = clip((mean_B - mean) / std, -d_max, d_max)

    where r and d count as constants in the backward pass. The clips are 1 and 0, which is batch
    norm, for the first warmup_steps training batches and then open linearly for ramp_steps (the
    paper opens r_max more slowly than d_max). As in the paper the running values average the
    mean and the biased standard deviation, not the unbiased variance, with weight momentum; they
    start at 0 and 1. x is (N, C, *space). Raises ValueError for one value per channel in training.
    """

    batch_statistics = True
    running_mean: Tensor
    running_std: Tensor
    num_batches_tracked: Tensor

    def __init__(
        self,
        channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        momentum: float = 0.01,
        r_max: float = 3.0,
        d_max: float = 5.0,
        warmup_steps: int = 200,
        ramp_steps: int = 800,
    ) -> None:
        super().__init__()
        self.num_features, self.eps, self.momentum = channels, eps, momentum
        self.r_max, self.d_max = r_max, d_max
        self.warmup_steps, self.ramp_steps = warmup_steps, ramp_steps
        self.weight = nn.Parameter(torch.ones(channels)) if affine else None
        self.bias = nn.Parameter(torch.zeros(channels)) if affine else None
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_std", torch.ones(channels))
        self.register_buffer("num_batches_tracked", torch.tensor(0))

    @property
    def running_var(self) -> Tensor:
        """The variance that evaluation uses, as in the other batch norms."""
        return self.running_std**2 - self.eps

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        check_input(x, self.num_features, self.eps)
        mean, std = compute_dtype(self.running_mean), compute_dtype(self.running_std)
        if not self.training:
            return normalise_by(x, mean, std.reciprocal(), self.weight, self.bias)
        check_batch(x)
        with torch.no_grad():
            batch_mean, var = (s.flatten() for s in statistics(x, [0, *range(2, x.ndim)]))
            r, d = self._corrections(mean, std, batch_mean, (var + self.eps).sqrt_())
        weight, bias = r, d
        if self.weight is not None and self.bias is not None:
            weight, bias = self.weight * r, torch.addcmul(self.bias, self.weight, d)
        return F.batch_norm(x, None, None, weight, bias, training=True, eps=self.eps)

    def _corrections(
        self, mean: Tensor, std: Tensor, batch_mean: Tensor, batch_std: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return r and d of this batch, then count it in the running statistics."""
        step = self.num_batches_tracked
        opened = ((step + (1 - self.warmup_steps)) / (self.ramp_steps + 1)).clamp_(0, 1)
        r_max = 1 + (self.r_max - 1) * opened
        d_max = self.d_max * opened
        r = (batch_std / std).clamp_(1 / r_max, r_max)
        d = (batch_mean - mean).div_(std).clamp_(-d_max, d_max)
        self.running_mean.lerp_(batch_mean.to(self.running_mean.dtype), self.momentum)
        self.running_std.lerp_(batch_std.to(self.running_std.dtype), self.momentum)
        self.num_batches_tracked.add_(1)
        return r, d

    def extra_repr(self) -> str:  # noqa: D102
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, r_max={self.r_max}, "
            f"d_max={self.d_max}, warmup_steps={self.warmup_steps}, ramp_steps={self.ramp_steps}"
        )
