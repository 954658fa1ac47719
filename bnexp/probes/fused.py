"""Weight layers that run inside one kernel and are never called as modules."""

from collections.abc import Iterator
from typing import Any

from torch import nn

FUSED = (nn.MultiheadAttention, nn.RNNBase)
GATES = {
    "LSTM": ("input_gate", "forget_gate", "cell_gate", "output_gate"),
    "GRU": ("reset_gate", "update_gate", "new_gate"),
}


def fused_layers(module: Any) -> Iterator[tuple[str, str, str, tuple[str, ...]]]:
    """The layers inside a module of FUSED, in order.

    The name of each, the names of its weight and its bias in the module, and those of its parts.
    """
    if isinstance(module, nn.RNNBase):
        for name, _ in module.named_parameters():
            if name.startswith("weight_"):
                yield name, name, name.replace("weight", "bias"), GATES.get(module.mode, ())
        return
    heads = [f"head{n}" for n in range(1, module.num_heads + 1)]
    if module.in_proj_weight is None:
        for name in ("q_proj", "k_proj", "v_proj"):
            yield name, f"{name}_weight", "", tuple(heads)
    else:
        parts = [f"{kind}.{head}" for kind in ("query", "key", "value") for head in heads]
        yield "in_proj", "in_proj_weight", "in_proj_bias", tuple(parts)
    yield "out_proj", "out_proj.weight", "out_proj.bias", ()
