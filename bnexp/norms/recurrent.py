"""Batch norm for both transforms of a recurrent net, with statistics of their own per step."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bnexp.norms.layers import check_input


class RecurrentBatchNorm(nn.Module):
    """Recurrent batch norm (arXiv:1603.09025): running statistics of every time step.

    `layer(x, step)` normalises x of shape (N, C) over the batch; a net uses one layer for the
    input transform and another for the recurrent one: h' = f(norm_x(W x, t) + norm_h(U h, t)).
    The running statistics (steps, C) grow with the longest sequence seen in training; in
    evaluation later steps use the last step's. Scale and shift are shared by the steps; the
    scale starts at gamma, 0.1 in the paper. ValueError for a training batch of one sample.
    """

    batch_statistics = True
    running_mean: Tensor
    running_var: Tensor

    def __init__(
        self,
        channels: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = True,
        gamma: float = 0.1,
    ) -> None:
        super().__init__()
        self.num_features, self.eps, self.momentum = channels, eps, momentum
        self.weight = nn.Parameter(torch.full((channels,), gamma)) if affine else None
        self.bias = nn.Parameter(torch.zeros(channels)) if affine else None
        self.register_buffer("running_mean", torch.zeros(1, channels))
        self.register_buffer("running_var", torch.ones(1, channels))

    def forward(self, x: Tensor, step: int = 0) -> Tensor:  # noqa: D102
        check_input(x, self.num_features, self.eps)
        steps = len(self.running_mean)
        if self.training and step >= steps:
            self._resize(step + 1)
        elif step >= steps:
            step = steps - 1
        # Copies, since the backward pass needs them as they are now and later steps change these.
        mean, var = self.running_mean[step].clone(), self.running_var[step].clone()
        y = F.batch_norm(
            x, mean, var, self.weight, self.bias, self.training, self.momentum, self.eps
        )
        if self.training:
            self.running_mean[step], self.running_var[step] = mean, var
        return y

    def _resize(self, steps: int) -> None:
        """Keep that many steps, new ones with mean 0 and variance 1, in the same tensors."""
        known = len(self.running_mean)
        for buffer, value in ((self.running_mean, 0), (self.running_var, 1)):
            buffer.resize_(steps, self.num_features)
            buffer[known:] = value

    def _load_from_state_dict(
        self, state_dict: dict[str, Any], prefix: str, *args: Any, **kwargs: Any
    ) -> None:
        if f"{prefix}running_mean" in state_dict:
            self._resize(len(state_dict[f"{prefix}running_mean"]))  # negative padding cuts
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)

    def extra_repr(self) -> str:  # noqa: D102
        return f"{self.num_features}, eps={self.eps}, momentum={self.momentum}"
