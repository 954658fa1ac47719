#!/usr/bin/env python3
"""Where a training step's time goes, what compiling saves, and how far XLA is ahead.

    python scripts/bench_step.py                      # needs jax: pip install -e '.[bench]'
    python scripts/bench_step.py --threads 2 --json step.json

The MLP 256-128-64 with batch norm at batch size 64 on 1 x 28 x 28, SGD with momentum, or one of
other `--sizes`. First the parts of an eager step; then whole steps: eager; model compiled; loss and
model compiled; all of it compiled; all of it as one function of weights, momenta and rate, forward,
gradient and update in one graph ("functional step compiled"); and the same epoch as one XLA program
(jax, `lax.scan`). Ways take turns; medians of the repetitions. Run it on a machine that does
nothing else.
"""

import argparse
import json
import os
import statistics
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from time import perf_counter
from typing import Any

STEPS = 200
BATCH, SAMPLES = 64, 12_800
SIZES = [784, 256, 128, 64, 10]  # of the layers, the input's and the output's too; --sizes


def parts(repetitions: int) -> dict[str, float]:
    """Microseconds of the parts of a step, and of its matrix products alone."""
    import torch
    import torch.nn.functional as F

    model, optimizer, x_all, y_all, order = _torch_setup()
    names = ("gather", "forward", "loss", "backward", "optimizer", "zero_grad")
    rounds: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(repetitions + 1):
        spent = dict.fromkeys(names, 0.0)
        for indices in order:
            marks = [perf_counter()]
            x, y = x_all.index_select(0, indices), y_all.index_select(0, indices)
            marks.append(perf_counter())
            logits = model(x)
            marks.append(perf_counter())
            loss = F.cross_entropy(logits, y)
            marks.append(perf_counter())
            loss.backward()
            marks.append(perf_counter())
            optimizer.step()
            marks.append(perf_counter())
            optimizer.zero_grad()
            marks.append(perf_counter())
            for name, start, end in zip(names, marks, marks[1:], strict=False):
                spent[name] += end - start
        for name in names:
            rounds[name].append(spent[name])
    found = {
        name: 1e6 * statistics.median(times[1:]) / len(order) for name, times in rounds.items()
    }
    pairs = [
        (torch.randn(BATCH, a), torch.randn(b, a), torch.randn(BATCH, b))
        for a, b in pairwise(SIZES)
    ]

    def products() -> None:
        for place, (x, w, dz) in enumerate(pairs):
            _ = x @ w.T
            _ = dz.T @ x
            if place:  # the input needs no gradient
                _ = dz @ w

    found["matrix products alone"] = 1e6 * _median(products, repetitions)
    return found


def _median(call: Callable[[], object], repetitions: int) -> float:
    for _ in range(20):
        call()
    times = []
    for _ in range(max(repetitions, 3)):
        start = perf_counter()
        for _ in range(STEPS):
            call()
        times.append((perf_counter() - start) / STEPS)
    return statistics.median(times)


def _torch_setup() -> Any:
    import torch

    from bnexp.compose import compose
    from bnexp.models import build_model
    from bnexp.plan import plan
    from bnexp.training.optimizers import make_optimizer

    keys = ["data=synthetic", "data.classes=10", f"data.shape=[1,1,{SIZES[0]}]", "device=cpu"]
    widths = ",".join(map(str, SIZES[1:-1]))
    keys += ["model=mlp_bn", f"model.widths=[{widths}]", "optimizer=momentum"]
    job = plan(*compose(keys))
    torch.manual_seed(0)
    model = build_model(job.config.model, (1, 1, SIZES[0]), 10)
    optimizer = make_optimizer(job.config.optimizer, model.parameters())
    x, y = torch.randn(SAMPLES, 1, 1, SIZES[0]), torch.randint(0, 10, (SAMPLES,))
    return model, optimizer, x, y, torch.randperm(SAMPLES).split(BATCH)


def eager() -> Callable[[], None]:
    """An epoch as bnexp trains it, nothing recorded."""
    import torch.nn.functional as F

    model, optimizer, x, y, order = _torch_setup()

    def epoch() -> None:
        for indices in order:
            F.cross_entropy(
                model(x.index_select(0, indices)), y.index_select(0, indices)
            ).backward()
            optimizer.step()
            optimizer.zero_grad()

    return epoch


def compiled(what: str) -> Callable[[], None]:
    """The same with the model, the model and the loss, or everything compiled by inductor."""
    import torch
    import torch.nn.functional as F

    model, optimizer, x, y, order = _torch_setup()
    if what == "step":  # the fused optimizer cannot be compiled, the foreach one can
        rate = torch.tensor(0.05)
        optimizer = torch.optim.SGD(model.parameters(), rate, momentum=0.9, foreach=True)
    forward = torch.compile(model) if what == "model" else model

    def loss_of(x: Any, y: Any) -> Any:
        return F.cross_entropy(forward(x), y)

    def step(x: Any, y: Any) -> None:
        loss_of(x, y).backward()
        optimizer.step()
        optimizer.zero_grad()

    if what == "loss":
        loss_of = torch.compile(loss_of)
    if what == "step":
        step = torch.compile(step)

    def epoch() -> None:
        for indices in order:
            step(x.index_select(0, indices), y.index_select(0, indices))

    return epoch


def functional() -> Callable[[], None]:
    """The same as one function of all that changes, compiled whole."""
    import torch
    import torch.nn.functional as F

    model, _, x_all, y_all, order = _torch_setup()
    names = [name for name, _ in model.named_parameters()]
    weights = [weight.detach().clone() for weight in model.parameters()]
    momenta = [torch.zeros_like(weight) for weight in weights]
    buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}

    def loss(weights: Any, buffers: Any, x: Any, y: Any) -> Any:
        own = dict(zip(names, weights, strict=True))
        return F.cross_entropy(torch.func.functional_call(model, (own, buffers), (x,)), y)

    def step(weights: Any, momenta: Any, buffers: Any, indices: Any, rate: Any) -> Any:
        x, y = x_all.index_select(0, indices), y_all.index_select(0, indices)
        gradients, value = torch.func.grad_and_value(loss)(weights, buffers, x, y)
        for weight, momentum, gradient in zip(weights, momenta, gradients, strict=True):
            momentum.mul_(0.9).add_(gradient)
            weight.sub_(momentum * rate)
        return value

    compiled_step, rate = torch.compile(step, dynamic=False), torch.tensor(0.05)

    def epoch() -> None:
        for indices in order:
            compiled_step(weights, momenta, buffers, indices, rate)

    return epoch


def xla() -> Callable[[], None]:
    """The same epoch as one XLA program."""
    import jax
    import jax.numpy as jnp

    key = jax.random.PRNGKey(0)
    layers = [
        (jax.random.normal(key, (a, b)) / a**0.5, jnp.zeros(b), jnp.ones(b), jnp.zeros(b))
        for a, b in pairwise(SIZES)
    ]
    statistics_ = [(jnp.zeros(width), jnp.ones(width)) for width in SIZES[1:-1]]
    x_all = jax.random.normal(key, (SAMPLES, SIZES[0]))
    y_all = jax.random.randint(key, (SAMPLES,), 0, 10)
    order = jax.random.permutation(key, SAMPLES).reshape(-1, BATCH)

    def loss(layers: Any, running: Any, x: Any, y: Any) -> Any:
        updated = []
        for place, (w, b, gamma, beta) in enumerate(layers):
            x = x @ w + b
            if place < len(running):
                mean, var = x.mean(0), x.var(0)
                old_mean, old_var = running[place]
                unbiased = var * BATCH / (BATCH - 1)
                updated.append((0.9 * old_mean + 0.1 * mean, 0.9 * old_var + 0.1 * unbiased))
                x = jax.nn.relu((x - mean) * jax.lax.rsqrt(var + 1e-5) * gamma + beta)
        return -jax.nn.log_softmax(x)[jnp.arange(BATCH), y].mean(), updated

    def step(state: Any, indices: Any) -> Any:
        layers, momenta, running = state
        gradient = jax.value_and_grad(loss, has_aux=True)
        (value, running), grads = gradient(layers, running, x_all[indices], y_all[indices])
        momenta = jax.tree.map(lambda m, g: 0.9 * m + g, momenta, grads)
        layers = jax.tree.map(lambda p, m: p - 0.05 * m, layers, momenta)
        return (layers, momenta, running), value

    state = (layers, jax.tree.map(jnp.zeros_like, layers), statistics_)
    program = jax.jit(lambda state: jax.lax.scan(step, state, order))

    def epoch() -> None:
        program(state)[1].block_until_ready()

    return epoch


def _steps_to_pay(
    times: dict[str, list[float]], first: dict[str, float], name: str
) -> float | None:
    """Steps after which what the first epoch cost beyond eager's is won back; None: never."""
    saved = statistics.median(times["eager"]) - statistics.median(times[name])
    return (first[name] - first["eager"]) / saved if saved > 0 else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--sizes", help="of the layers, such as 64,64,64,10")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--json", type=Path, help="write the results here too")
    options = parser.parse_args()
    os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[: options.threads]))  # XLA's too
    import torch

    torch.set_num_threads(options.threads)
    if options.sizes:
        SIZES[:] = map(int, options.sizes.split(","))
    spent = parts(options.repetitions)
    print("microseconds: " + ", ".join(f"{name} {time:.0f}" for name, time in spent.items()))
    ways: dict[str, Callable[[], None]] = {"eager": eager()}
    first: dict[str, float] = {}
    for name in ("model", "loss", "step"):
        ways[f"{name} compiled"] = compiled(name)
    ways["functional step compiled"] = functional()
    ways["XLA"] = xla()
    for name, epoch in ways.items():
        start = perf_counter()
        epoch()
        first[name] = perf_counter() - start
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(options.repetitions):
        for name, epoch in ways.items():
            start = perf_counter()
            epoch()
            times[name].append((perf_counter() - start) / (SAMPLES // BATCH))
    rows = []
    for name in ways:
        ratio = statistics.median(
            mine / ours for mine, ours in zip(times[name], times["eager"], strict=True)
        )
        rows.append(
            {
                "way": name,
                "ms_per_step": 1e3 * statistics.median(times[name]),
                "ratio_to_eager": ratio,
                "first_epoch_seconds": first[name],
                "steps_to_pay": _steps_to_pay(times, first, name),
            }
        )
        print(
            f"{name:<25} {rows[-1]['ms_per_step']:.2f} ms, {ratio:.2f} of eager; "
            f"first epoch {first[name]:.1f} s"
        )
    if options.json:
        about = {"torch": torch.__version__, "threads": options.threads, "sizes": SIZES}
        options.json.write_text(
            json.dumps(about | {"microseconds": spent, "results": rows}, indent=1) + "\n"
        )


if __name__ == "__main__":
    main()
