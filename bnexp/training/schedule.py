"""The learning rate of every step."""

import math

from bnexp.config import Training


def learning_rate(base: float, training: Training, step: int, steps_per_epoch: int) -> float:
    """The learning rate of optimizer step `step`, counted from 0.

    Linear warm-up from base / warm-up steps, then the schedule: `cosine` falls from base at the
    end of the warm-up to 0 after the last step, `step` multiplies by `lr_gamma` after every
    `lr_step_size` epochs.
    """
    warmup = round(training.lr_warmup_epochs * steps_per_epoch)
    if step < warmup:
        return base * (step + 1) / warmup
    if training.lr_schedule == "cosine":
        total = training.epochs * steps_per_epoch
        if training.max_steps is not None:
            total = min(total, training.max_steps)
        return base * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, total - warmup)))
    if training.lr_schedule == "step":
        return base * training.lr_gamma ** (step // steps_per_epoch // training.lr_step_size)
    return base
