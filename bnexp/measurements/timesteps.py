"""How much the statistics of a recurrent net's pre-activations differ from step to step."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bnexp.compose import compose
from bnexp.data import lengths_of, load
from bnexp.errors import UserError
from bnexp.models import build_model
from bnexp.plan import plan

SAMPLES = 1000  # of the training part, for the statistics


def measure(
    seed: int,
    model: str = "rnn",
    data: str = "digits",
    lengths: Sequence[int] | None = None,
    steps: int = 300,
    lr: float = 1e-3,
    batch_size: int = 64,
) -> dict[str, list[tuple[Any, ...]]]:
    """Statistics by time step, before and after `steps` steps of Adam, of a net without norms.

    Batch norm with one pair of statistics for all time steps is right as far as they are alike.
    Rows (training step, layer, name, value), z being what a norm would receive, in evaluation
    mode, at the steps at which a sample is data:

    - `mean_at_T` and `std_at_T`: root mean square over units of the mean, and of the standard
      deviation, of z at time step T, from 1; `samples_at_T`
    - `between_steps`: share of a unit's variance over samples and steps that lies between the
      means of the steps, averaged over units; 0 where they are alike
    - `std_spread`: standard deviation over time steps of log std, averaged over units

    `lengths` is `data.lengths`: rows of an image are cut at random. UserError for a model that is
    not recurrent.
    """
    changed = [] if lengths is None else [f"data.lengths=[{','.join(map(str, lengths))}]"]
    tree, preset = compose(
        [f"model={model}", f"data={data}", "model.norm=none", f"seed={seed}", *changed]
    )
    planned = plan(tree, preset, here=False)
    if planned.config.model.kind not in ("rnn", "lstm"):
        raise UserError(f"measurement timesteps: model={model}: must be an rnn or lstm")
    dataset = load(planned.config.data)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = build_model(planned.config.model, planned.facts.shape, planned.facts.classes)
    x = dataset.train_x[:SAMPLES]
    rows = [(0, *row) for row in _rows(net, x)]
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(net.train().parameters(), lr)
    for _ in range(steps):
        chosen = torch.randint(len(dataset.train_x), (batch_size,), generator=generator)
        optimizer.zero_grad()
        F.cross_entropy(net(dataset.train_x[chosen]), dataset.train_y[chosen]).backward()
        optimizer.step()
    return {"measures": [*rows, *((steps, *row) for row in _rows(net, x))]}


def of_steps(z: Tensor, data: Tensor) -> list[tuple[str, float]]:
    """Rows (name, value) of z, (N, T, units), where `data`, (N, T), is true; see `measure`."""
    z, share = z.double(), data.double().unsqueeze(-1)
    count = share.sum(0)  # (T, 1)
    mean = (z * share).sum(0) / count  # (T, units)
    var = ((z - mean).square() * share).sum(0) / count
    weight = count / count.sum()
    between = ((mean - (weight * mean).sum(0)).square() * weight).sum(0)
    within = (weight * var).sum(0)
    log_std = var.sqrt().log()
    rows = []
    for step in range(len(mean)):
        rows += [
            (f"mean_at_{step + 1}", mean[step].square().mean().sqrt().item()),
            (f"std_at_{step + 1}", var[step].mean().sqrt().item()),
            (f"samples_at_{step + 1}", count[step].item()),
        ]
    return [
        *rows,
        ("between_steps", (between / (between + within)).mean().item()),
        ("std_spread", log_std.std(0, correction=0).mean().item()),
    ]


@torch.no_grad()
def _rows(net: nn.Module, x: Tensor) -> list[tuple[str, str, float]]:
    """Of every layer whose norm, an identity, is called once a time step."""
    received: dict[str, list[Tensor]] = {}
    hooks = [
        module.register_forward_hook(
            lambda _, args, __, path=path: received.setdefault(path, []).append(args[0])
        )
        for path, module in net.named_modules()
        if path.endswith(".norm") and path.startswith("layers.")
    ]
    try:
        net.eval()(x)
    finally:
        net.train()
        for hook in hooks:
            hook.remove()
    lengths = lengths_of(x)
    rows = []
    for path, steps in received.items():
        z = torch.stack(steps, 1)
        data = torch.arange(z.shape[1]) < lengths[:, None]
        kept = data.any(0)  # a step that no sample has
        layer = path.removesuffix(".norm")
        rows += [(layer, *row) for row in of_steps(z[:, kept], data[:, kept])]
    return rows
