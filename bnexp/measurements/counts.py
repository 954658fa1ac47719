"""How many statistics a real normaliser computes, of how many values, and its parameters."""

from collections.abc import Sequence
from typing import Any

from bnexp.norms.make import make_norm
from bnexp.norms.sharing import count, drawn, shared_values


def measure(
    seed: int, norm: str, shape: Sequence[int], **options: Any
) -> list[tuple[str, str, float]]:
    """Return rows (norm, name, value) of a normaliser on an input (N, C, *space).

    Names are `statistics` (how many, each a mean with its variance), `values_per_statistic`,
    `gamma` and `beta` (learnt values); of a shape that the layer refuses the one row `refused`.
    The layer is in training mode; the seed changes nothing. UserError for a norm or options that
    do not exist.
    """
    layer = drawn(make_norm(norm, shape[1], **options).double())
    try:
        number, sizes = count(shared_values(layer, tuple(shape)))
    except ValueError:
        return [(norm, "refused", 1.0)]
    parameters = dict(layer.named_parameters())
    rows = [(norm, "statistics", float(number))]
    rows += [(norm, "values_per_statistic", float(size)) for size in sizes]
    for name, attribute in (("gamma", "weight"), ("beta", "bias")):
        if attribute in parameters:
            rows.append((norm, name, float(parameters[attribute].numel())))
    return rows
