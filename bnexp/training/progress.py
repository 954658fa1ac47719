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
        self.on_terminal = sys.stderr is not None and sys.stderr.isatty() if show is None else show
        self.bar: tqdm[Any] | None = None
        self.started = perf_counter()
        self.images = 0
        self.epochs = 1
        self.accuracy = self.loss = float("nan")
        self.recent: list[float] = []  # losses since the last evaluation

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
        self.bar.set_postfix_str(self._values(), refresh=False)
        self.bar.update()

    def trained(self, losses: list[float]) -> None:
        """The losses of the latest steps are known."""
        self.recent += losses

    @harmless
    def evaluated(self, epoch: int, step: int, accuracy: float | None) -> None:
        """An evaluation is done; `accuracy` is that of the validation split, if it was scored.

        The training loss is the mean of the steps since the evaluation before.
        """
        if self.recent:
            self.loss = sum(self.recent) / len(self.recent)
        self.accuracy, self.recent = float("nan") if accuracy is None else accuracy, []
        if self.bar is not None:
            self.bar.set_description(f"epoch {epoch}/{self.epochs}")
        elif epoch % max(1, self.epochs // LINES) == 0:
            self.say(f"epoch {epoch}/{self.epochs}  step {step}  {self._values()}")

    @harmless
    def say(self, line: str) -> None:
        """Show a line, unless quiet."""
        if self.bar is not None:
            tqdm.write(line)
        elif not self.quiet:
            print(line, flush=True)

    @harmless
    def close(self) -> None:
        """Remove the bar."""
        if self.bar is not None:
            self.bar.close()

    def _values(self) -> str:
        rate = self.images / max(perf_counter() - self.started, 1e-9)
        known = {"train loss": f"{self.loss:.4f}", "val accuracy": f"{self.accuracy:.1%}"}
        shown = [f"{name} {text}" for name, text in known.items() if "nan" not in text]
        return "  ".join([*shown, f"{rate:,.0f} images/s"])
