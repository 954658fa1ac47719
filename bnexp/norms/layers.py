"""PyTorch's own normalisers, each for 0 to 3 spatial dimensions and with channels first."""

import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.instancenorm import _InstanceNorm

from bnexp.errors import UserError


class BatchNorm(_BatchNorm):
    """Batch norm (arXiv:1502.03167): statistics over the batch and space, one pair per channel.

    x is (N, C, *space). Normalises with the biased variance, stores the unbiased one. gamma starts
    at `initial_scale` and beta at `initial_shift`.
    Raises ValueError for one value per channel in training mode.
    """

    def __init__(
        self,
        channels: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        initial_scale: float = 1.0,
        initial_shift: float = 0.0,
    ) -> None:
        self.initial_scale, self.initial_shift = initial_scale, initial_shift
        super().__init__(channels, eps, momentum, affine, track_running_stats)

    def reset_parameters(self) -> None:  # noqa: D102
        super().reset_parameters()
        if self.affine:
            nn.init.constant_(self.weight, self.initial_scale)
            nn.init.constant_(self.bias, self.initial_shift)

    def _check_input_dim(self, x: Tensor) -> None:
        check_input(x, self.num_features, self.eps)


class InstanceNorm(_InstanceNorm):
    """Instance norm (arXiv:1607.08022): statistics over space, per sample and channel.

    x is (N, C, *space); ValueError without space, or with a single position.
    """

    def __init__(
        self,
        channels: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = False,
    ) -> None:
        super().__init__(channels, eps, momentum, affine, track_running_stats)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        check_input(x, self.num_features, self.eps)
        if x.ndim == 2:
            raise ValueError(
                "Expected input with spatial dimensions for instance norm, got (N, C) of size "
                f"{list(x.shape)}: each value would be normalised by itself"
            )
        y: Tensor = self._apply_instance_norm(x)  # type: ignore[no-untyped-call]
        return y


class GroupNorm(nn.GroupNorm):
    """Group norm (arXiv:1803.08494): statistics of one sample over a group of channels and space.

    x is (N, C, *space). UserError where the groups do not divide the channels, ValueError for
    groups of one value.
    """

    def __init__(
        self, channels: int, groups: int = 8, eps: float = 1e-5, affine: bool = True
    ) -> None:
        if channels % groups:
            fitting = ", ".join(str(g) for g in range(1, channels + 1) if channels % g == 0)
            raise UserError(
                f"group norm: {groups} groups do not divide {channels} channels; "
                f"groups can be {fitting}"
            )
        super().__init__(groups, channels, eps, affine)

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        if x.ndim > 1 and 0 < x.numel() == len(x) * self.num_groups:
            raise ValueError(
                f"Expected more than 1 value per group, got input size {list(x.shape)} for "
                f"{self.num_groups} groups: each value would be normalised by itself"
            )
        return super().forward(x)


class LayerNorm(nn.GroupNorm):
    """Layer norm (arXiv:1607.06450): statistics of one sample over channels and space.

    x is (N, C, *space). The scale and the shift are per channel, so images of any size fit.
    """

    def __init__(self, channels: int, eps: float = 1e-5, affine: bool = True) -> None:
        super().__init__(1, channels, eps, affine)

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        if x.ndim == 2:  # the same values from a faster kernel
            return F.layer_norm(x, (self.num_channels,), self.weight, self.bias, self.eps)
        return super().forward(x)


def check_input(x: Tensor, channels: int, eps: float = 1.0) -> None:
    """Raise ValueError unless x is (N, channels) with 0 to 3 spatial dimensions and eps > 0."""
    if eps <= 0:
        raise ValueError(f"eps must be positive, got {eps}")
    if not 2 <= x.ndim <= 5:
        raise ValueError(f"expected (N, C) with 0 to 3 spatial dimensions, got a {x.ndim}D input")
    if x.shape[1] != channels:
        raise ValueError(f"expected {channels} channels, got input size {list(x.shape)}")


def check_batch(x: Tensor) -> None:
    """Raise PyTorch's ValueError where the channels of x have one value each."""
    if x.numel() == x.shape[1]:
        raise ValueError(
            f"Expected more than 1 value per channel when training, got input size {x.shape}"
        )
