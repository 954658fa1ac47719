"""What a forward pass keeps for the backward pass."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from bnexp.probes.apart import eager, forward_apart
from bnexp.random_state import random_state_kept


def saved_bytes(
    model: nn.Module, x: Tensor, autocast: AbstractContextManager[Any] | None = None
) -> int:
    """Bytes of the distinct tensors kept for backward, parameters aside, for one batch x.

    Counted on the model as it is (training or evaluation mode), apart from training. Unlike the
    peak memory of the process it does not depend on what ran before.
    """
    storages: dict[int, torch.UntypedStorage] = {}
    own = {p.untyped_storage().data_ptr() for p in model.parameters()}

    def pack(tensor: Tensor) -> None:
        """Count it, and save nothing: an output kept by its own graph would never be freed."""
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            storages[storage.data_ptr()] = storage  # held, so that no address is used twice

    def unpack(_: object) -> Tensor:
        raise AssertionError("nothing goes backward here")

    with (
        random_state_kept(x.device),
        torch.autograd.graph.saved_tensors_hooks(pack, unpack),
        autocast or nullcontext(),
    ):
        forward_apart(eager(model), x)
    return sum(storage.nbytes() for storage in storages.values())
