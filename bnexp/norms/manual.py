"""Batch norm written out by hand: statistics, forward, backward, running statistics.

Source: arXiv:1502.03167, algorithm 1 and section 3; m is the number of values per channel.

    forward      mean = sum(x) / m           var = sum((x - mean)^2) / m
                 x_hat = (x - mean) / sqrt(var + eps)          y = weight x_hat + bias

    backward     d_bias = sum(dy)            d_weight = sum(dy x_hat)
                 dx = weight / sqrt(var + eps) (dy - d_bias / m - x_hat d_weight / m)

    running      running_mean += momentum (mean - running_mean)
                 running_var  += momentum (var m / (m - 1) - running_var)
"""

from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx

from bnexp.norms.layers import BatchNorm


def statistics(x: Tensor, shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Return mean and biased variance of x over each dimension in which shape is 1."""
    m = x.numel() / prod(shape)
    mean = x.sum_to_size(shape) / m
    var = (x - mean).square_().sum_to_size(shape) / m
    return mean, var


class Normalise(torch.autograd.Function):
    """y = weight x_hat + bias, for mean and rstd = 1 / sqrt(var + eps) of x itself.

    mean and rstd have the shape given to `statistics`; weight and bias broadcast against it.
    Nothing but the arguments is kept for the backward pass, and x in its own precision.
    """

    @staticmethod
    def forward(  # noqa: D102
        x: Tensor, mean: Tensor, rstd: Tensor, weight: Tensor, bias: Tensor, eps: float
    ) -> Tensor:
        scale = weight * rstd
        return torch.addcmul(bias - mean * scale, x.to(mean.dtype), scale).to(x.dtype)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:  # noqa: D102
        x, mean, rstd, weight, bias, ctx.eps = inputs
        ctx.bias_shape = bias.shape
        ctx.save_for_backward(x, mean, rstd, weight)

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]  # noqa: D102
        x, mean, rstd, weight = ctx.saved_tensors
        if torch.is_grad_enabled():  # a second derivative has to see that they depend on x
            mean, var = statistics(x.to(mean.dtype), mean.shape)
            rstd = (var + ctx.eps).rsqrt()
        m = x.numel() / mean.numel()
        dy_ = dy.to(mean.dtype)
        d_bias = dy_.sum_to_size(mean.shape)
        d_weight = (x - mean).mul_(dy_).sum_to_size(mean.shape) * rstd
        # dx = scale (dy - d_bias / m - (x - mean) rstd d_weight / m), multiplied out
        scale = weight * rstd
        slope = -scale * rstd * d_weight / m
        dx = torch.addcmul(-scale * d_bias / m - slope * mean, x, slope).addcmul_(dy_, scale)
        return (
            dx.to(x.dtype),
            None,
            None,
            d_weight.sum_to_size(weight.shape),
            d_bias.sum_to_size(ctx.bias_shape),
            None,
        )


class ManualBatchNorm(BatchNorm):
    """Batch norm (arXiv:1502.03167) without PyTorch's kernel: same arguments, same results.

    x is (N, C, *space); ValueError for one value per channel in training mode.
    """

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        self._check_input_dim(x)
        if not self.uses_batch:
            return self._with_running_statistics(x)
        refuse_single_value(x)
        mean, var = self._batch_statistics(x, (1, x.shape[1], *(1,) * (x.ndim - 2)))
        return self._normalise(x, mean, (var + self.eps).rsqrt())
