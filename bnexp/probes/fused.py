"""Weight layers that run inside one kernel and are never called as modules."""

from collections.abc import Iterator
from typing import Any

from torch import Tensor, nn

FUSED = (nn.MultiheadAttention, nn.RNNBase)
GATES = {
    "LSTM": ("input_gate", "forget_gate", "cell_gate", "output_gate"),
    "GRU": ("reset_gate", "update_gate", "new_gate"),
}


def weights(module: Any) -> Iterator[tuple[str, Tensor, tuple[str, ...]]]:
    """Name, weight and names of the parts of each layer inside a module of FUSED, in order."""
    if isinstance(module, nn.RNNBase):
        for name, weight in module.named_parameters():
            if name.startswith("weight_"):
                yield name, weight, GATES.get(module.mode, ())
        return
    heads = tuple(f"head{n}" for n in range(1, module.num_heads + 1))
    if module.in_proj_weight is None:
        for name in ("q_proj_weight", "k_proj_weight", "v_proj_weight"):
            yield name.removesuffix("_weight"), getattr(module, name), heads
    else:
        parts = [f"{kind}.{head}" for kind in ("query", "key", "value") for head in heads]
        yield "in_proj", module.in_proj_weight, tuple(parts)
    yield "out_proj", module.out_proj.weight, ()
