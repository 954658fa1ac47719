"""The exponential moving average of a model's weights, which is evaluated in their place."""

from copy import deepcopy

import torch
from torch import nn

from bnexp.errors import UserError


class Average:
    """`model` is like the source, with the moving average of its weights and running statistics.

    It is the source itself after the first update, as torch.optim.swa_utils.AveragedModel with
    use_buffers has it. The running statistics of batch norm belong to the weights they were taken
    with, so they are averaged as these are. What is no average stays the source's own: counters,
    and the singular vectors of spectral norm, which are of length one. Without a decay there is
    no average: `model` is the source.
    """

    def __init__(self, source: nn.Module, decay: float | None) -> None:
        self.source, self.decay = source, decay
        try:
            self.model = source if decay is None else deepcopy(source)
        except Exception as error:  # whatever a user's net holds
            why = (str(error) or type(error).__name__).strip().partition("\n")[0]
            raise UserError(f"training.ema: the net cannot be copied: {why}") from error

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the source as it is after the update of this step, counted from 0."""
        if self.decay is None:
            return
        share = 1 - self.decay if step else 1.0
        for own, new in zip(self.model.parameters(), self.source.parameters(), strict=True):
            own.lerp_(new, share)
        buffers = zip(self.model.named_buffers(), self.source.buffers(), strict=True)
        for (name, mine), latest in buffers:
            if mine.shape != latest.shape:  # a sequence was longer than any before
                mine.resize_(latest.shape).copy_(latest)
            elif mine.is_floating_point() and "parametrizations" not in name.split("."):
                mine.lerp_(latest, share)
            else:
                mine.copy_(latest)
