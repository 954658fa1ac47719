#!/usr/bin/env python3
"""How much an evaluation gains from batches that stay in the processor's cache.

    python scripts/bench_evaluation.py

Microseconds an image of bnexp's evaluation and of the same in batches of 1,000 images, taking
turns, on one thread, nothing else running; and the ratio, the median of the repetitions.
"""

import argparse
import statistics
from time import perf_counter

import torch
from torch import Tensor, nn

from bnexp.compose import compose
from bnexp.models import build_model
from bnexp.plan import plan
from bnexp.training.evaluation import evaluate

IMAGES = 2_000
CASES = (
    ("model=cnn_small", (3, 32, 32)), ("model=cnn_bn", (3, 32, 32)),
    ("model=cnn_small", (1, 28, 28)), ("model=cnn_small", (1, 8, 8)),
    ("model=mlp_bn", (1, 28, 28)), ("model=rnn_ln", (1, 28, 28)),
)  # fmt: skip


@torch.no_grad()
def by_thousands(model: nn.Module, x: Tensor) -> None:
    """The forward passes of an evaluation in batches of 1,000."""
    for part in x.split(1_000):
        model(part)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repetitions", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    off = torch.autocast("cpu", enabled=False)
    y = torch.zeros(IMAGES, dtype=torch.long)
    for preset, shape in CASES:
        config = plan(*compose([preset])).config.model
        model = build_model(config, shape, classes=10).eval()
        model = model.to(memory_format=torch.channels_last)
        x = torch.randn(IMAGES, *shape).contiguous(memory_format=torch.channels_last)
        pairs = []
        for _ in range(options.repetitions + 1):
            start = perf_counter()
            evaluate(model, (x, y), off)
            between = perf_counter()
            by_thousands(model, x)
            pairs.append((between - start, perf_counter() - between))
        pairs = pairs[1:]  # the first warms up
        ours, theirs = (1e6 * statistics.median(t) / IMAGES for t in zip(*pairs, strict=True))
        ratio = statistics.median(b / a for a, b in pairs)
        name = f"{preset} on {' x '.join(map(str, shape))}"
        print(f"{name:<30} {ours:7.1f} us an image, by 1,000 {theirs:7.1f}: {ratio:.2f} times")


if __name__ == "__main__":
    main()
