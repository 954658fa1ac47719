"""Precise batch norm: population statistics re-estimated before evaluation."""

from collections.abc import Iterable
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from bnexp.errors import UserError
from bnexp.norms.layers import BatchNorm
from bnexp.norms.manual import statistics
from bnexp.norms.modes import batch_statistics


class PreciseBatchNorm(BatchNorm):
    """Batch norm whose running statistics are meant to be re-estimated before evaluation.

    `estimate_population_statistics` does that; samples says from how many training samples.
    """

    population_statistics = True

    def __init__(
        self,
        channels: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        samples: int = 2048,
    ) -> None:
        super().__init__(channels, eps, momentum, affine, track_running_stats)
        self.samples = samples


@torch.no_grad()
def estimate_population_statistics(model: nn.Module, batches: Iterable[Tensor]) -> None:
    """Replace the running statistics of every batch norm by those of all batches together.

    The batches are inputs of the model, on its device; no more of them are taken than the samples
    of a PreciseBatchNorm. Batch norms normalise by each batch's own statistics, as in training;
    everything else runs as in evaluation (no dropout, no random numbers), and so do norms that the
    model's own `train` keeps frozen.
    mean = E[mean_B], var = E[var_B + mean_B^2] - mean^2 (arXiv:2105.07576, section 3.2), weighted
    by the batches' sizes; var is the biased variance of that population. Batch counters and modes
    stay as they were, and so does all else if a batch raises. UserError without a batch.
    """
    hooks = []
    with batch_statistics(model) as norms:
        layers = [m for m in norms if isinstance(m, _BatchNorm) and m.running_mean is not None]
        samples = max((m.samples for m in layers if isinstance(m, PreciseBatchNorm)), default=None)
        populations = {layer: Population() for layer in layers}
        try:
            for layer in layers:
                hooks.append(layer.register_forward_hook(partial(_add, populations[layer])))
            seen = 0
            for batch in batches:
                model(batch)
                seen += len(batch)
                if samples is not None and seen >= samples:
                    break
        finally:
            for hook in hooks:
                hook.remove()
    for layer, population in populations.items():
        if not population.count:
            raise UserError("population statistics need at least one batch through every layer")
        layer.get_buffer("running_mean").copy_(population.mean)
        layer.get_buffer("running_var").copy_(population.var)


def _add(population: "Population", _: nn.Module, args: tuple[Tensor, ...], __: Tensor) -> None:
    population.add(args[0])


class Population:
    """Mean and biased variance per channel of all values added so far."""

    def __init__(self) -> None:
        self.count = 0
        self.mean = self.var = torch.tensor(0.0)

    def add(self, x: Tensor) -> None:
        """Count the values of x, (N, C, *space), in; exact for any split of the values."""
        mean, var = (s.flatten() for s in statistics(x, [0, *range(2, x.ndim)]))
        count = x.numel() // x.shape[1]
        self.count += count
        share = count / self.count
        delta = mean - self.mean
        self.mean = self.mean + share * delta
        self.var = (1 - share) * (self.var + share * delta.square()) + share * var
