"""Ghost batch norm: a large batch normalised in small parts."""

from typing import cast

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
        """Take the steps of all ghosts at once: their weighted average, the last weighing most."""
        ghosts, buffers = len(mean), cast("dict[str, Tensor]", self._buffers)
        batches = buffers["num_batches_tracked"]
        batches += ghosts
        if m == 0:  # an empty batch counts, but has no statistics
            return
        if self.momentum is None:
            shares, step = [1.0] * ghosts, ghosts / float(batches)
        else:
            keep = 1 - self.momentum
            shares, step = [keep**later for later in reversed(range(ghosts))], 1 - keep**ghosts
        of_each = mean.new_tensor(shares).div_(sum(shares)).unsqueeze(1)
        unbiased = var * (m / (m - 1))
        for running, new in ((buffers["running_mean"], mean), (buffers["running_var"], unbiased)):
            average = (new.view(ghosts, -1) * of_each).sum(0)
            running.add_(average - running, alpha=step)

    def extra_repr(self) -> str:  # noqa: D102
        plain = super().extra_repr()  # type: ignore[no-untyped-call]
        return f"{plain}, ghost_size={self.ghost_size}"
