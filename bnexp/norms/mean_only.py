"""Mean-only batch norm: the batch's mean is subtracted, its spread stays."""

from typing import Any

import torch
from torch import Tensor, nn

from bnexp.norms.layers import check_batch, check_input
from bnexp.norms.manual import compute_dtype


class MeanOnlyBatchNorm(nn.Module):
    """Mean-only batch norm (arXiv:1602.07868, section 4): y = x - mean_B + bias, per channel.

    x is (N, C, *space). The mean is that of the batch and space in training mode, and the running
    mean in evaluation; gradients flow through it. There is a learnt bias but no scale, as in the
    paper, which puts it beside weight norm. Raises ValueError for one value per channel in
    training mode.
    """

    batch_statistics = True
    running_mean: Tensor | None
    num_batches_tracked: Tensor | None

    def __init__(
        self,
        channels: int,
        affine: bool = True,
        momentum: float | None = 0.1,
        track_running_stats: bool = True,
    ) -> None:
        super().__init__()
        self.num_features, self.affine, self.momentum = channels, affine, momentum
        self.track_running_stats = track_running_stats
        self.bias = nn.Parameter(torch.zeros(channels)) if affine else None
        tracked = track_running_stats
        self.register_buffer("running_mean", torch.zeros(channels) if tracked else None)
        self.register_buffer("num_batches_tracked", torch.tensor(0) if tracked else None)

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        check_input(x, self.num_features)
        column = (-1, *(1,) * (x.ndim - 2))
        if not self.training and self.running_mean is not None:
            mean = compute_dtype(self.running_mean).view(column)
        else:
            check_batch(x)
            mean = compute_dtype(x).mean([0, *range(2, x.ndim)], keepdim=True)
            if self.training and self.track_running_stats and len(x):
                self._track(mean.detach().flatten())
        centred = x - mean
        return (centred if self.bias is None else centred + self.bias.view(column)).to(x.dtype)

    def _track(self, mean: Tensor) -> None:
        """Update the running mean; the average of all batches where momentum is None."""
        buffers: dict[str, Any] = self._buffers
        buffers["num_batches_tracked"].add_(1)
        share = self.momentum
        if share is None:
            share = 1 / float(buffers["num_batches_tracked"])
        running = buffers["running_mean"]
        running.lerp_(mean.to(running.dtype), share)

    def extra_repr(self) -> str:  # noqa: D102
        return (
            f"{self.num_features}, affine={self.affine}, momentum={self.momentum}, "
            f"track_running_stats={self.track_running_stats}"
        )
