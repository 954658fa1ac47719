"""Batch norm whose outputs are made to shift, differently at every step."""

import torch
from torch import Tensor

from bnexp.norms.layers import BatchNorm
from bnexp.norms.manual import compute_dtype


class NoisyBatchNorm(BatchNorm):
    """Batch norm followed by noise whose distribution changes at every step (arXiv:1805.11604).

    As in section 2.1 of the paper every activation of every sample is perturbed by noise of a
    mean that is not 0 and a scale that is not 1, both drawn anew at each forward pass in training
    mode. For channel c, x_hat what batch norm returns,

        mean_c ~ U(-shift, shift)               scale_c ~ U(1, scale)
        m ~ U(mean_c - spread, mean_c + spread)     s ~ N(scale_c, spread^2)
        y = s x_hat + m                         m and s for each value

    Evaluation is that of plain batch norm. The random numbers are PyTorch's global ones. x is
    (N, C, *space). Raises ValueError for one value per channel in training mode.
    """

    def __init__(
        self,
        channels: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        shift: float = 0.5,
        scale: float = 1.25,
        spread: float = 0.1,
    ) -> None:
        super().__init__(channels, eps, momentum, affine, track_running_stats)
        self.shift, self.scale, self.spread = shift, scale, spread

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        y = super().forward(x)
        if not self.training:
            return y
        dtype = compute_dtype(y).dtype
        of_channels = torch.rand(2, x.shape[1], *(1,) * (x.ndim - 2), dtype=dtype, device=x.device)
        of_values = torch.rand(y.shape, dtype=dtype, device=x.device)  # in any memory format
        factors = torch.randn(y.shape, dtype=dtype, device=x.device)
        mean = self.shift * (2 * of_channels[0] - 1)
        scale = 1 + (self.scale - 1) * of_channels[1]
        m = of_values.mul_(2).sub_(1).mul_(self.spread).add_(mean)
        s = factors.mul_(self.spread).add_(scale)
        return (y * s + m).to(y.dtype)

    def extra_repr(self) -> str:  # noqa: D102
        noise = f"shift={self.shift}, scale={self.scale}, spread={self.spread}"
        plain = super().extra_repr()  # type: ignore[no-untyped-call]
        return f"{plain}, {noise}"
