"""Ghost batch norm: a large batch normalised in small parts."""

import torch
from torch import Tensor

from bnexp.norms.layers import check_batch
from bnexp.norms.manual import ManualBatchNorm


class GhostBatchNorm(ManualBatchNorm):
    """Ghost batch norm (arXiv:1705.08741): batch norm of consecutive parts of the batch.

    x is (N, C, *space). A batch is cut into ceil(N / ghost_size) ghosts whose sizes differ by one
    sample at most. The running statistics take one step per ghost, as in the paper's algorithm 1.
    Raises ValueError for one value per channel and ghost in training mode.
    """

    def __init__(
        self,
        channels: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        ghost_size: int = 16,
    ) -> None:
        super().__init__(channels, eps, momentum, affine, track_running_stats)
        self.ghost_size = ghost_size

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        self._check_input_dim(x)
        if not self.training and self.running_mean is not None:
            return super().forward(x)
        ghosts = max(1, -(-len(x) // self.ghost_size))
        size, larger = divmod(len(x), ghosts)
        check_batch(x[:size])
        if not larger:
            return self._normalise_ghosts(x, ghosts)
        cut = larger * (size + 1)
        return torch.cat(
            [
                self._normalise_ghosts(x[:cut], larger),
                self._normalise_ghosts(x[cut:], ghosts - larger),
            ]
        )

    def _normalise_ghosts(self, x: Tensor, ghosts: int) -> Tensor:
        x = x.unflatten(0, (ghosts, len(x) // ghosts))  # (ghosts, samples, C, *space)
        weight = None if self.weight is None else self.weight.expand(ghosts, -1)
        bias = None if self.bias is None else self.bias.expand(ghosts, -1)
        return self._normalise(x, [1, *range(3, x.ndim)], weight, bias).flatten(0, 1)

    def _track(self, mean: Tensor, var: Tensor, m: float) -> None:
        for ghost_mean, ghost_var in zip(mean, var, strict=True):
            super()._track(ghost_mean, ghost_var, m)

    def extra_repr(self) -> str:  # noqa: D102
        return f"{super().extra_repr()}, ghost_size={self.ghost_size}"
