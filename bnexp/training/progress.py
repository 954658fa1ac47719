"""What a person sees while a run trains: a bar on a terminal, sparse lines elsewhere."""

import sys
from time import perf_counter
from typing import Any

from torch import Tensor
from tqdm import tqdm

from bnexp.showing import harmless

LINES = 20  # at most so many lines of a run, about, where there is no terminal


class Progress:
    """Shows epoch, step, loss, accuracy, images/s and time left; `quiet` shows nothing."""

    def __init__(self, show: bool | None, quiet: bool = False) -> None:
        self.quiet = quiet
        self.on_terminal = sys.stderr.isatty() if show is None else show
        self.bar: tqdm[Any] | None = None
        self.started = perf_counter()
        self.images = 0
        self.epochs = 1
        self.accuracy = self.loss = float("nan")

    @harmless
    def begin(self, steps: int, epochs: int) -> None:
        """Training of so many optimizer steps and epochs starts."""
        self.epochs = epochs
        self.started = perf_counter()
        if self.on_terminal and not self.quiet:
            self.bar = tqdm(total=steps, unit="step", dynamic_ncols=True, leave=False)

    @harmless
    def resume(self, step: int) -> None:
        """Training goes on after `step` steps."""
        if self.bar is not None:
            self.bar.update(step)
            self.bar.unpause()

    @harmless
    def step(self, step: int, images: int, loss: Tensor) -> None:
        """One optimizer step is done; its loss is read only where that waits for no device."""
        self.images += images
        if self.bar is None:
            return
        if loss.device.type == "cpu" and step % 10 == 0:
            self.loss = loss.item()
        self.bar.set_postfix_str(
            f"loss {self.loss:.3f}, val acc {self.accuracy:.1%}, {self._rate():,.0f} images/s",
            refresh=False,
        )
        self.bar.update()

    @harmless
    def evaluated(self, epoch: int, step: int, values: list[Any]) -> None:
        """An evaluation is done; `values` starts with train loss and accuracy, then validation."""
        self.loss, self.accuracy = values[0], values[3]
        if self.bar is not None:
            self.bar.set_description(f"epoch {epoch}/{self.epochs}")
        elif not self.quiet and epoch % max(1, self.epochs // LINES) == 0:
            print(
                f"epoch {epoch}/{self.epochs}  step {step}  train loss {self.loss:.4f}  "
                f"val accuracy {self.accuracy:.1%}  {self._rate():,.0f} images/s",
                flush=True,
            )

    @harmless
    def close(self) -> None:
        """Remove the bar."""
        if self.bar is not None:
            self.bar.close()

    def _rate(self) -> float:
        return self.images / max(perf_counter() - self.started, 1e-9)
