#!/usr/bin/env python3
"""What a whole epoch of bnexp takes, evaluation, probes and records included, beside a bare loop.

    python scripts/bench_epoch.py                    # the MLP on Fashion-MNIST, a minute
    python scripts/bench_epoch.py --json epoch.json

bnexp trains with its defaults: default probes, every split evaluated at the start and the end, and
by epoch what the progress line reads. The bare loop (that of `bench_train.py`) scores the test
split after each epoch and records nothing. They take turns; medians of the ratios within a
repetition, of the first epoch and of one of those after it (a run of three less a run of one, by
two). Run it on a machine that does nothing else.
"""

import argparse
import json
import statistics
from pathlib import Path
from time import perf_counter

import torch
import torch.nn.functional as F
from bench_train import bare, trained

from bnexp.compose import compose
from bnexp.data import epoch_order, load
from bnexp.plan import Plan, plan
from bnexp.training.forward import laid_out

RUN = ("model=mlp_bn", "data=fashion_mnist", "optimizer=momentum", "device=cpu")
SCORED = 1_000  # images that the bare loop scores at once


def planned(epochs: int, threads: int) -> Plan:
    keys = [f"training.epochs={epochs}", f"threads={threads}", "training.checkpoint_seconds=1e9"]
    return plan(*compose([*RUN, *keys]))


def with_bnexp(epochs: int, threads: int) -> float:
    return trained(planned(epochs, threads))[0]


def with_a_bare_loop(epochs: int, threads: int) -> float:
    job = planned(epochs, threads)
    data, cpu = load(job.config.data), torch.device("cpu")
    model, optimizer, layout = bare(job, data, cpu)
    train_x, test_x = (laid_out(x, cpu, layout) for x in (data.train_x, data.test_x))
    start = perf_counter()
    for epoch in range(epochs):
        model.train()
        for indices in epoch_order(job.config.data, len(train_x), 0, epoch):
            F.cross_entropy(model(train_x[indices]), data.train_y[indices]).backward()
            optimizer.step()
            optimizer.zero_grad()
        model.eval()
        with torch.no_grad():
            for x, y in zip(test_x.split(SCORED), data.test_y.split(SCORED), strict=True):
                (model(x).argmax(1) == y).sum()
    return perf_counter() - start


LOOPS = {"bnexp": with_bnexp, "bare loop": with_a_bare_loop}


def measure(threads: int, repetitions: int) -> dict[str, object]:
    torch.set_num_threads(threads)
    with_a_bare_loop(1, threads)  # warms up
    first: list[float] = []
    later: list[float] = []
    for _ in range(repetitions):
        one = {name: loop(1, threads) for name, loop in LOOPS.items()}
        three = {name: loop(3, threads) for name, loop in LOOPS.items()}
        first.append(one["bnexp"] / one["bare loop"])
        spent = {name: three[name] - one[name] for name in LOOPS}
        later.append(spent["bnexp"] / spent["bare loop"])
    return {
        "threads": threads, "repetitions": repetitions,
        "first_epoch": statistics.median(first), "later_epoch": statistics.median(later),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--threads", type=int, action="append", help="default: 1")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--json", type=Path, help="write the results here too")
    options = parser.parse_args()
    rows = [measure(threads, options.repetitions) for threads in options.threads or (1,)]
    for row in rows:
        print("  ".join(f"{name} {value:.3g}" for name, value in row.items()))
    if options.json:
        text = {"torch": torch.__version__, "results": rows}
        options.json.write_text(json.dumps(text, indent=1) + "\n")


if __name__ == "__main__":
    main()
