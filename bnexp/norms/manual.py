"""Batch norm written out by hand: statistics, forward, backward, running statistics.

The formulas are those of arXiv:1502.03167, algorithm 1 and section 3; sums run over the batch
and space, m is the number of values in each.

    forward     mean = sum(x) / m               var = sum((x - mean)^2) / m
                rstd = 1 / sqrt(var + eps)      y = weight (x - mean) rstd + bias

    backward    d_bias = sum(dy)                d_weight = sum(dy (x - mean)) rstd
                dx = weight rstd (dy - d_bias / m - (x - mean) rstd d_weight / m)

    running     running_mean += momentum (mean - running_mean)
                running_var  += momentum (var m / (m - 1) - running_var)
"""

from typing import Any

import torch
from torch import Tensor

from bnexp.norms.layers import BatchNorm, check_batch


def statistics(x: Tensor, dims: list[int]) -> tuple[Tensor, Tensor]:
    """Return mean and biased variance of x over dims, which stay with length 1.

    bf16 and fp16 are summed in fp32.
    """
    x = compute_dtype(x)
    total = x.sum(dims, keepdim=True)  # much faster than .mean or torch.var_mean on a CPU
    m = x.numel() / total.numel()
    mean = total / m
    var = (x - mean).square_().sum(dims, keepdim=True) / m
    return mean, var


def compute_dtype(x: Tensor) -> Tensor:
    """Return x in at least fp32."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def normalise_by(
    x: Tensor, mean: Tensor, rstd: Tensor, weight: Tensor | None, bias: Tensor | None
) -> Tensor:
    """Return weight (x - mean) rstd + bias for statistics (C) that do not depend on x."""
    scale = rstd if weight is None else weight * rstd
    shift = -mean * scale if bias is None else bias - mean * scale
    column = (-1, *(1,) * (x.ndim - 2))
    return torch.addcmul(shift.view(column), x, scale.view(column)).to(x.dtype)


class Normalise(torch.autograd.Function):
    """y = weight (x - mean) rstd + bias, where mean and rstd are statistics of x itself.

    weight and bias hold one value per statistic. The backward pass is the formula that sees
    through the statistics; it keeps x, in its own precision, and vectors.
    """

    @staticmethod
    def forward(  # noqa: D102
        ctx: Any, x: Tensor, mean: Tensor, rstd: Tensor, weight: Tensor, bias: Tensor, eps: float
    ) -> Tensor:
        ctx.eps = eps
        ctx.save_for_backward(x, mean, rstd, weight)
        scale = weight.view_as(mean) * rstd
        shift = torch.addcmul(bias.view_as(mean), mean, scale, value=-1)
        return torch.addcmul(shift, x, scale).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:  # noqa: D102
        x, mean, rstd, weight = ctx.saved_tensors
        dims = [d for d, size in enumerate(mean.shape) if size == 1]
        if torch.is_grad_enabled():  # a second derivative needs to know that they come from x
            mean, var = statistics(x, dims)
            rstd = (var + ctx.eps).rsqrt()
        dy = compute_dtype(dy)
        d_bias = dy.sum(dims, keepdim=True)
        d_weight = (x - mean).mul_(dy).sum(dims, keepdim=True) * rstd
        scale = weight.view_as(mean) * rstd
        per_value = scale / (-x.numel() / mean.numel())
        # in place and in this order: one tensor as large as x at a time besides dx
        dx = (x - mean).mul_(per_value * rstd * d_weight)
        dx = dx.addcmul_(dy, scale).add_(per_value * d_bias)
        return dx.to(x.dtype), None, None, d_weight.view_as(weight), d_bias.view_as(weight), None


class ManualBatchNorm(BatchNorm):
    """Batch norm (arXiv:1502.03167) without PyTorch's kernel: same arguments, same results.

    x is (N, C, *space). Raises ValueError for one value per channel in training mode.
    """

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        self._check_input_dim(x)
        if not self.training and self.running_mean is not None and self.running_var is not None:
            rstd = (compute_dtype(self.running_var) + self.eps).rsqrt()
            return normalise_by(x, self.running_mean, rstd, self.weight, self.bias)
        check_batch(x)
        return self._normalise(x, [0, *range(2, x.ndim)], self.weight, self.bias)

    def _normalise(
        self, x: Tensor, dims: list[int], weight: Tensor | None, bias: Tensor | None
    ) -> Tensor:
        with torch.no_grad():
            mean, var = statistics(x, dims)
            if self.training and self.track_running_stats:
                self._track(mean, var, x.numel() / mean.numel())
            rstd = (var + self.eps).rsqrt_()
        weight = torch.ones_like(mean) if weight is None else weight
        bias = torch.zeros_like(mean) if bias is None else bias
        y: Tensor = Normalise.apply(x, mean, rstd, weight, bias, self.eps)
        return y

    def _track(self, mean: Tensor, var: Tensor, m: float) -> None:
        """Update the running statistics by one batch of m values per channel."""
        buffers: dict[str, Any] = self._buffers
        batches, momentum = buffers["num_batches_tracked"], self.momentum
        batches += 1
        if m == 0:  # an empty batch counts, as in PyTorch, but has no statistics
            return
        if momentum is None:  # the average of all batches
            momentum = 1 / float(batches)
        unbiased = var * (m / (m - 1))
        for running, new in ((buffers["running_mean"], mean), (buffers["running_var"], unbiased)):
            running.add_(new.view_as(running) - running, alpha=momentum)
