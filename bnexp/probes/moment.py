"""What an instrument is given, and what it gives back."""

import inspect
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from bnexp.errors import UserError
from bnexp.importing import import_object
from bnexp.probes.apart import Weights, eager, forward_apart
from bnexp.probes.catalogue import PROBES
from bnexp.probes.recording import Recording
from bnexp.probes.watch import Layer, watch
from bnexp.random_state import random_state_kept

KEEP_TENSORS = {"activations", "histograms"}  # instruments that look at activations


@dataclass(eq=False)
class Moment:
    """A model and a batch between two training steps.

    `loss_fn(output, y)` is the mean loss; `loss_scale` keeps half-precision gradients from
    vanishing and is to be divided out again. `due` names the instruments that record now. `last`
    says that the last update is over; lr is then the one it had.
    """

    model: nn.Module  # in the mode that training has left it in; may be compiled
    x: Tensor  # the batch of the next step, (N, *shape), on the device
    y: Tensor  # its classes, (N,)
    loss_fn: Callable[[Any, Tensor], Tensor]
    lr: float = 0.0
    autocast: AbstractContextManager[Any] = field(default_factory=nullcontext)
    loss_scale: float | Tensor = 1.0
    due: frozenset[str] = frozenset()
    last: bool = False
    batch_size: int = 0  # that of training
    seed: int = 0
    examples: tuple[Tensor, Tensor] | None = None  # the validation split
    pool: Tensor | None = None  # inputs of the training split

    @cached_property
    def layers(self) -> list[Layer]:
        """The layers in one pass over the batch, with all that the due instruments look at.

        The pass is eager, in the mode the model is in, on copies of its buffers and of x; the
        random state is put back and `.grad` never touched, so training does not notice.
        """
        gradients = "gradients" in self.due
        model = eager(self.model)
        with random_state_kept(self.x.device):
            with (
                torch.set_grad_enabled(gradients),
                parametrize.cached(),  # so that `weight` is the tensor that the layer used
                watch(model, keep_tensors=bool(self.due & KEEP_TENSORS)) as seen,
                self.autocast,
            ):
                output = forward_apart(model, self.x)
                loss = self.loss_fn(output, self.y) * self.loss_scale if gradients else None
            layers = list(seen.values())
            trained = [layer for layer in layers if layer.weight.requires_grad]
            if loss is not None and trained:
                weights = [layer.weight for layer in trained]
                found = torch.autograd.grad(loss, weights, allow_unused=True)
                for layer, gradient in zip(trained, found, strict=True):
                    layer.weight_gradient = gradient
        return layers

    def loss_and_gradient(
        self, weights: Weights, wanted: list[str] | None = None
    ) -> tuple[Tensor, Weights]:
        """The loss of the batch at `weights`, and its gradient.

        Every call sees the same random numbers (dropout) and the same buffers. The gradient is
        that of the weights named by `wanted`, or else of all of them.
        """
        names = list(weights) if wanted is None else wanted
        leaves = {name: weights[name].detach().requires_grad_() for name in names}
        with random_state_kept(self.x.device), self.autocast:
            output = forward_apart(eager(self.model), self.x, weights | leaves)
            loss = self.loss_fn(output, self.y)
        found = torch.autograd.grad(
            loss * self.loss_scale, list(leaves.values()), allow_unused=True, materialize_grads=True
        )
        return loss.detach(), {n: g / self.loss_scale for n, g in zip(names, found, strict=True)}


# An instrument measures at once, or gives a function that does so after the coming update, if one
# comes. It leaves the model, its buffers and the random state as they were, and does not wait for
# the device.
Instrument = Callable[[Moment], Recording | Callable[[], Recording]]


def find_instrument(name: str, function: str | None = None) -> Instrument:
    """The instrument of this name, or the `function` (package.function) that stands in for it.

    UserError where there is none.
    """
    try:
        found: Instrument = import_object(function or PROBES[name].instrument)
    except Exception as error:
        line = f"{type(error).__name__}: {error}".partition("\n")[0]
        raise UserError(f"probes.{name}={function}: cannot be imported: {line}") from error
    if not callable(found):
        raise UserError(f"probes.{name}={function}: is no function")
    try:
        inspect.signature(found).bind(None)
    except TypeError as error:
        raise UserError(f"probes.{name}={function}: is called with a Moment: {error}") from None
    except ValueError:
        pass  # its signature cannot be had
    return found


def measure(
    moment: Moment, instruments: Mapping[str, Instrument]
) -> tuple[list[Recording], list[Callable[[], Recording]]]:
    """What the instruments record, and the functions to call after the coming update."""
    now, later = [], []
    for name, instrument in instruments.items():
        found = instrument(moment)
        if isinstance(found, Recording):
            now.append(found)
        elif callable(found):
            later.append(found)
        else:
            raise UserError(f"probes.{name}: gives {type(found).__name__}, not a Recording")
    return now, later
