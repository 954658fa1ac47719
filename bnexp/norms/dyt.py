"""Dynamic tanh: a bounded curve in the place of a normaliser, without statistics."""

import torch
from torch import Tensor, nn

from bnexp.norms.layers import check_input
from bnexp.norms.manual import compute_dtype


class DyT(nn.Module):
    """Dynamic tanh (arXiv:2503.10622): y = weight tanh(alpha x) + bias.

    x is (N, C, *space). alpha is one learnt number for the layer, scale and shift are per channel;
    each value is mapped on its own, in training as in evaluation.
    """

    def __init__(self, channels: int, alpha: float = 0.5, affine: bool = True) -> None:
        super().__init__()
        self.num_features, self.affine = channels, affine
        self.alpha = nn.Parameter(torch.tensor(alpha))
        self.weight = nn.Parameter(torch.ones(channels)) if affine else None
        self.bias = nn.Parameter(torch.zeros(channels)) if affine else None

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        check_input(x, self.num_features)
        y = torch.tanh(self.alpha * compute_dtype(x))
        if self.weight is not None and self.bias is not None:
            column = (-1, *(1,) * (x.ndim - 2))
            y = torch.addcmul(self.bias.view(column), y, self.weight.view(column))
        return y.to(x.dtype)

    def extra_repr(self) -> str:  # noqa: D102
        return f"{self.num_features}, affine={self.affine}"
