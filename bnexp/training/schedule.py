"""The learning rate of every step."""

import math

from bnexp.config import Training


def total_steps(training: Training, steps_per_epoch: int) -> int:
    """The optimizer steps of a whole run."""
    steps = training.epochs * steps_per_epoch
    return steps if training.max_steps is None else min(steps, training.max_steps)


def midway(evaluate_every: float, steps_per_epoch: int) -> set[int]:
    """The steps of an epoch, from 1, after which it is evaluated before its end."""
    if evaluate_every >= 1:
        return set()
    parts = range(1, math.ceil(1 / evaluate_every))
    places = {round(part * evaluate_every * steps_per_epoch) for part in parts}
    return places - {0, steps_per_epoch}


def schedule_notes(training: Training, steps_per_epoch: int) -> list[str]:
    """A line for each key of the schedule that does nothing, or not what it seems to."""
    total = total_steps(training, steps_per_epoch)
    warmup = round(training.lr_warmup_epochs * steps_per_epoch)
    start = f"training.lr_warmup_epochs={training.lr_warmup_epochs:g}: the warm-up"
    notes = []
    if warmup > total:
        notes.append(f"{start} of {warmup} steps is longer than the run, which has {total}")
    elif training.lr_warmup_epochs and warmup <= 1:
        notes.append(f"{start} does nothing: an epoch has {steps_per_epoch} steps")
    if training.lr_schedule == "step" and training.lr_step_size * steps_per_epoch >= total:
        notes.append(
            f"training.lr_step_size={training.lr_step_size}: the learning rate never falls: "
            f"the run has {total / steps_per_epoch:g} epochs"
        )
    return notes


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
        total = total_steps(training, steps_per_epoch)
        return base * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, total - warmup)))
    if training.lr_schedule == "step":
        return base * training.lr_gamma ** (step // steps_per_epoch // training.lr_step_size)
    return base
