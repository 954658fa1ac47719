"""A net tried out before training, as it will be trained and evaluated, in its smallest batches.

Imports torch only to try a net out.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, Literal

from bnexp.errors import UserError

if TYPE_CHECKING:
    from torch import nn

    from bnexp.config import AnyData, Model
    from bnexp.data import Facts

Layout = Literal["channels_last", "contiguous"]


@dataclass(frozen=True)
class Trial:
    """The outcome: problems, a line each; else the layout that works, and what is in the net."""

    problems: tuple[str, ...] = ()
    layout: Layout = "channels_last"
    notes: tuple[str, ...] = ()
    batch_statistics: bool = False  # some norm uses its batch in training mode


def try_out(model: Model, data: AnyData, facts: Facts, precision: str) -> Trial:
    """Build the net; pass the smallest batches forward, and the training one backward.

    On the CPU, in `precision`, and images as they will lie in memory: with channels last, or else
    contiguous. The random state is left as it was.
    """
    import torch

    from bnexp.models import build_model
    from bnexp.norms import is_batch_norm
    from bnexp.random_state import random_state_kept

    name = getattr(model, "name", model.norm)
    with random_state_kept(torch.device("cpu")):
        try:
            net = build_model(model, facts.shape, facts.classes)
        except UserError as error:
            return Trial(tuple(error.lines))
        except (Exception, SystemExit) as error:
            return Trial((f"{name}: cannot be built: {_line(error)}",))
        if not any(p.requires_grad for p in net.parameters()):
            return Trial((f"{name}: no parameter is trained: requires_grad is false everywhere",))
        found = any(is_batch_norm(module) for module in net.modules())
        problem = _problem(net, data, facts, precision, "channels_last")
        if problem is None:
            return Trial(notes=_unseeded(model, facts), batch_statistics=found)
        if _problem(net, data, facts, precision, "contiguous") is not None:
            return Trial((f"{name}: {problem}",))
        note = f"{name}: trained with contiguous images, since with channels last it {problem}"
        notes = (note, *_unseeded(model, facts))
        return Trial(layout="contiguous", notes=notes, batch_statistics=found)


def _unseeded(model: Model, facts: Facts) -> tuple[str, ...]:
    """What a user's net or norm draws from generators of its own: two nets are compared.

    Both begin from the same state of all the generators that the seed sets.
    """
    import torch

    from bnexp.models import build_model
    from bnexp.models.external import Torchvision
    from bnexp.norms import evaluating
    from bnexp.random_state import random_state_kept
    from bnexp.section import DOTTED

    if type(model) is Torchvision and not DOTTED.fullmatch(model.norm):
        return ()
    weights, outputs = [], []
    for _ in range(2):
        with random_state_kept(torch.device("cpu")), torch.no_grad():
            net = build_model(model, facts.shape, facts.classes)
            weights.append({name: weight.clone() for name, weight in net.named_parameters()})
            x = torch.randn(2, *facts.shape)
            try:
                trained = net.train()(x)
                with evaluating(net):
                    outputs.append({"training": trained, "evaluation": net(x)})
            except (Exception, SystemExit):  # not with two samples
                outputs.append({})
    drawn = [f"the weights {name}" for name in _differing(*weights)]
    drawn = drawn or [f"what it draws in {mode}" for mode in _differing(*outputs)]
    if not drawn:
        return ()
    shown = " and ".join(drawn[:2]) + ", and more" * (len(drawn) > 2)
    return (
        f"{getattr(model, 'name', model.norm)}: no run can be repeated: the seed does not set "
        f"{shown}; it sets torch's generator, Python's random and numpy.random",
    )


def _differing(first: dict[str, Any], second: dict[str, Any]) -> list[str]:
    """The names of the tensors that are not the same, but for rounding."""
    return [
        name
        for name in first
        if name in second
        and not first[name].allclose(second[name], rtol=1e-3, atol=1e-6, equal_nan=True)
    ]


def _problem(
    net: nn.Module, data: AnyData, facts: Facts, precision: str, layout: Layout
) -> str | None:
    """What goes wrong, worded to follow "it"; None if nothing does."""
    import torch

    from bnexp.data import smallest_batch
    from bnexp.norms import batch_statistics, evaluating
    from bnexp.training.evaluation import evaluation_batch_sizes
    from bnexp.training.forward import autocast, cross_entropy, laid_out, memory_format

    cpu = torch.device("cpu")
    form = memory_format(net, facts.shape, layout)
    net.to(memory_format=form).train()

    def logits(samples: int) -> Any:
        x = laid_out(torch.randn(samples, *facts.shape), cpu, form)
        with autocast(cpu, precision):
            found = net(x)
        if not isinstance(found, torch.Tensor):
            raise TypeError(f"gives {type(found).__name__}, not a tensor of logits")
        if found.shape != (samples, facts.classes):
            raise TypeError(f"gives {list(found.shape)}, not logits {[samples, facts.classes]}")
        return found

    splits = facts.train, facts.val, facts.test
    sizes = (min(evaluation_batch_sizes(n, prod(facts.shape), on_cpu=True)) for n in splits)
    samples, where = smallest_batch(data, facts.train), "in training"
    try:
        loss = cross_entropy(logits(samples), torch.arange(samples) % facts.classes)
        if not loss.requires_grad:
            return "has no trained parameter that the loss depends on"
        loss.backward()
        net.zero_grad()
        with torch.no_grad():
            samples, where = min(data.batch_size, *splits), "in evaluation with batch statistics"
            with batch_statistics(net):
                logits(samples)
            samples, where = min(sizes), "in evaluation"
            with evaluating(net):
                logits(samples)
    except (Exception, SystemExit) as error:
        return f"fails {where} on {samples} samples of {list(facts.shape)}: {_line(error)}"
    return None


def _line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).strip().partition("\n")[0]
