"""The generators that a net may draw from: torch's, Python's and numpy's."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch


def seed_everything(seed: int) -> None:
    """Seed all of them: torch's (on every device), Python's and numpy's."""
    torch.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed)


def random_state(device: torch.device) -> dict[str, Any]:
    """The states of all of them, as a checkpoint can hold them."""
    kind, key, *rest = np.random.get_state(legacy=True)
    state = {
        "torch": torch.get_rng_state(),
        "python": random.getstate(),
        "numpy": (str(kind), torch.from_numpy(np.asarray(key, dtype=np.int64)), *rest),
    }
    if device.type == "cuda":
        state["device"] = torch.cuda.get_rng_state(device)
    if device.type == "mps":
        state["device"] = torch.mps.get_rng_state()
    return state


def set_random_state(state: dict[str, Any], device: torch.device) -> None:
    """Put them in the states that `random_state` gave."""
    torch.set_rng_state(state["torch"].cpu())
    random.setstate(state["python"])
    kind, key, *rest = state["numpy"]
    np.random.set_state((kind, key.cpu().numpy().astype(np.uint32), *rest))
    if device.type == "cuda":
        torch.cuda.set_rng_state(state["device"].cpu(), device)
    if device.type == "mps":
        torch.mps.set_rng_state(state["device"].cpu())


@contextmanager
def random_state_kept(device: torch.device) -> Iterator[None]:
    """A context that puts all of them, on the CPU and on `device`, back at its end."""
    state = random_state(device)
    try:
        yield
    finally:
        set_random_state(state, device)
