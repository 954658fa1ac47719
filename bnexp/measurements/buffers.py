"""The memory that a net's parameters and running statistics take, by norm."""

from collections.abc import Iterable, Sequence

from torch import Tensor

from bnexp.compose import compose
from bnexp.models import build_model
from bnexp.plan import plan


def measure(
    seed: int, model: str = "cnn_small", norms: Sequence[str] = ("none", "batch")
) -> list[tuple[str, str, float]]:
    """`parameter_bytes` and `buffer_bytes` of the preset `model` with each norm, on digits.

    Buffers are what a norm keeps besides parameters: running statistics and their count of
    batches, or a power iteration's vectors.
    """
    rows = []
    for norm in norms:
        tree, preset = compose([f"model={model}", f"model.norm={norm}", f"seed={seed}"])
        planned = plan(tree, preset, here=False)
        net = build_model(planned.config.model, planned.facts.shape, planned.facts.classes)
        rows += [
            (norm, "parameter_bytes", total_bytes(net.parameters())),
            (norm, "buffer_bytes", total_bytes(net.buffers())),
        ]
    return rows


def total_bytes(tensors: Iterable[Tensor]) -> float:
    """Bytes of all tensors together."""
    return float(sum(tensor.numel() * tensor.element_size() for tensor in tensors))
