"""What the other samples of a batch do to one sample's prediction and normalised values."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from bnexp.norms import batch_statistics, evaluating
from bnexp.probes.apart import eager, forward_apart
from bnexp.probes.moment import Moment
from bnexp.probes.recording import Recording, Row
from bnexp.random_state import random_state_kept

EXAMPLES = 64
ROUNDS = 8
SIZES = (2, 8, 32, 128)
POPULATION = 2_000
SHARE = 8  # at most one in this many samples of a batch, but at least one, is an example


@torch.no_grad()
def companions(moment: Moment) -> Recording:
    """Put the first 64 validation samples, the examples, into 8 random batches each and compare.

    The companions are drawn from the training samples, with replacement; which ones depends on
    the seed alone, so that arms can be paired. Only norms with batch statistics are in training
    mode, as far as they are so in training. For batches of 2, 8, 32, 128 and the training batch
    size, rows ("model", name, value) of the table `measures`: `agreement_batch_2`, ..., the share
    of examples whose predicted class is the same in all 8 batches, and `accuracy_batch_2`, ...,
    their mean accuracy; in evaluation mode `accuracy_eval` and `agreement_eval`, the share whose
    class is the same alone and in one batch of all examples (left out where the net refuses a
    single sample).

    If the first such norm sees (N, C), also, for its layer and the training batch size:
    `xhat_jitter`, the variance of an example's normalised value over the 8 batches, averaged over
    channels and examples, and `xhat_jitter_predicted`, (1 + v^2 / 2) / B averaged over the same
    values, where v is the value normalised by the statistics of up to 2,000 training samples: the
    leading term for Gaussian values.
    """
    assert moment.examples is not None
    assert moment.pool is not None
    model, pool = eager(moment.model), moment.pool
    x, y = (part[:EXAMPLES] for part in moment.examples)
    batch_size, seed = moment.batch_size, moment.seed
    rows: list[Row] = []
    with random_state_kept(x.device), moment.autocast, _first_norm(model) as first:
        for size in sorted({size for size in (*SIZES, batch_size) if size > 1}):
            with batch_statistics(model):
                classes, x_hat = _rounds(model, x, pool, size, seed, first)
            agree = (classes == classes[0]).all(0).float().mean()
            rows.append(("model", f"agreement_batch_{size}", agree))
            rows.append(("model", f"accuracy_batch_{size}", (classes == y).float().mean()))
            if size == batch_size and x_hat is not None:
                rows += _jitter(model, x, pool, size, first, x_hat)
        rows += _evaluated(model, x, y)
    return Recording({"measures": rows})


@dataclass
class _First:
    """The first norm with batch statistics, and what it last received and returned."""

    layer: str = ""
    norm: nn.Module | None = None
    received: Tensor | None = None
    returned: Tensor | None = None

    def normalised(self) -> Tensor | None:
        """What it returned, without scale and shift; None unless that was (N, C)."""
        if self.returned is None or self.returned.dim() != 2:
            return None
        weight, bias = getattr(self.norm, "weight", None), getattr(self.norm, "bias", None)
        y = self.returned.float()
        y = y if bias is None else y - bias
        return y if weight is None else y / weight


@contextmanager
def _first_norm(model: nn.Module) -> Iterator[_First]:
    with batch_statistics(model) as norms:
        norm = next(iter(norms), None)
    path = next((path for path, module in model.named_modules() if module is norm), "")
    first = _First(path.removesuffix(".norm") or "model", norm)
    if norm is None:
        yield first
        return

    def called(_: nn.Module, args: tuple[Tensor, ...], y: Tensor) -> None:
        first.received, first.returned = args[0], y

    handle = norm.register_forward_hook(called)
    try:
        yield first
    finally:
        handle.remove()


def _rounds(
    model: nn.Module, x: Tensor, pool: Tensor, size: int, seed: int, first: _First
) -> tuple[Tensor, Tensor | None]:
    """Classes (rounds, examples) and, as far as there are, normalised values (rounds, ..., C)."""
    random = torch.Generator().manual_seed(1_000_003 * seed + size)
    classes, values = [], []
    for _ in range(ROUNDS):
        order = torch.randperm(len(x), generator=random)
        parts, part_values = [], []
        for chosen in order.split(max(1, size // SHARE)):
            others = torch.randint(len(pool), (size - len(chosen),), generator=random)
            batch = torch.cat([x[chosen.to(x.device)], pool[others.to(x.device)]])
            parts.append(forward_apart(model, batch)[: len(chosen)].argmax(1))
            x_hat = first.normalised()
            if x_hat is not None:
                part_values.append(x_hat[: len(chosen)])
        back = order.argsort().to(x.device)
        classes.append(torch.cat(parts)[back])
        if part_values:
            values.append(torch.cat(part_values)[back])
    return torch.stack(classes), torch.stack(values) if values else None


def _jitter(
    model: nn.Module, x: Tensor, pool: Tensor, size: int, first: _First, x_hat: Tensor
) -> list[Row]:
    with evaluating(model):
        forward_apart(model, pool[:POPULATION])
        assert first.received is not None
        var, mean = torch.var_mean(first.received.float(), 0, correction=0)
        forward_apart(model, x)
    v = (first.received.float() - mean) / (var + getattr(first.norm, "eps", 0.0)).sqrt()
    return [
        (first.layer, "xhat_jitter", x_hat.var(0).mean()),
        (first.layer, "xhat_jitter_predicted", ((1 + v**2 / 2) / size).mean()),
    ]


def _evaluated(model: nn.Module, x: Tensor, y: Tensor) -> list[Row]:
    with evaluating(model):
        classes = forward_apart(model, x).argmax(1)
        rows: list[Row] = [("model", "accuracy_eval", (classes == y).float().mean())]
        with suppress(ValueError):  # PyTorch's, where a norm has no statistics of one sample
            alone = torch.cat([forward_apart(model, one).argmax(1) for one in x.split(1)])
            rows.append(("model", "agreement_eval", (alone == classes).float().mean()))
    return rows
