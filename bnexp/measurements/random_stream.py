"""The first normal numbers of a seeded generator, as a net's user would draw a batch."""

from collections.abc import Sequence

import torch


def measure(seed: int, random_seed: int, shape: Sequence[int]) -> list[tuple[str, str, float]]:
    """`row_<i>_<k>`, counted from 1, of torch.randn(*shape) after torch.manual_seed(random_seed).

    The measurement's own seed changes nothing, and the process's generator is left alone.
    """
    generator = torch.Generator().manual_seed(random_seed)
    drawn = torch.randn(*shape, generator=generator)
    return [
        ("randn", f"row_{i}_{k}", value)
        for i, row in enumerate(drawn.tolist(), 1)
        for k, value in enumerate(row, 1)
    ]
