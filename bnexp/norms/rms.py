"""RMS norm: layer norm that divides by the root mean square and subtracts nothing."""

from typing import Any

import torch
from torch import Tensor, nn

from bnexp.norms.layers import check_input
from bnexp.norms.manual import compute_dtype


class RMSNorm(nn.Module):
    """RMS norm (arXiv:1910.07467): y = weight x / sqrt(mean(x^2) + eps), per sample.

    x is (N, C, *space); the mean runs over channels and space, the scale is per channel, and
    there is no shift, as in the paper.
    """

    def __init__(self, channels: int, eps: float = 1e-5, affine: bool = True) -> None:
        super().__init__()
        self.num_features, self.eps = channels, eps
        self.weight = nn.Parameter(torch.ones(channels)) if affine else None

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        check_input(x, self.num_features, self.eps)
        weight = x.new_ones(self.num_features) if self.weight is None else self.weight
        y: Tensor = DivideByRMS.apply(x, weight, self.eps)
        return y

    def extra_repr(self) -> str:  # noqa: D102
        return f"{self.num_features}, eps={self.eps}, affine={self.weight is not None}"


def reciprocal_rms(x: Tensor, eps: float) -> Tensor:
    """Return 1 / sqrt(mean(x^2) + eps) of each sample, in at least fp32."""
    dims = list(range(1, x.ndim))
    square = torch.linalg.vector_norm(compute_dtype(x), dim=dims, keepdim=True).square()
    rrms: Tensor = (square / x[:1].numel() + eps).rsqrt()
    return rrms


class DivideByRMS(torch.autograd.Function):
    """y = weight x rrms with rrms = 1 / sqrt(mean(x^2) + eps); keeps x and vectors.

    The backward pass is dx = rrms (g - x rrms^2 mean(g x)) with g = weight dy.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, eps: float) -> Tensor:  # noqa: D102
        rrms = reciprocal_rms(x, eps)
        ctx.eps = eps
        ctx.save_for_backward(x, rrms, weight)
        return (x * rrms).mul_(weight.view(-1, *(1,) * (x.ndim - 2))).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:  # noqa: D102
        x, rrms, weight = ctx.saved_tensors
        if torch.is_grad_enabled():  # a second derivative needs to know that it comes from x
            rrms = reciprocal_rms(x, ctx.eps)
        space = list(range(2, x.ndim))
        d_weight = (x * rrms).mul_(dy)  # of each value; next of each sample and channel
        if space:
            d_weight = d_weight.sum(space)
        slope = (d_weight @ weight.to(rrms.dtype)).view_as(rrms) * rrms / -x[:1].numel()
        scale = weight.view(-1, *(1,) * len(space))
        dx = torch.addcmul(dy * scale, x, slope).mul_(rrms)
        return dx.to(x.dtype), d_weight.sum(0).to(weight.dtype), None
