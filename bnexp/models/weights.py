"""Weights that a net starts from: found and hashed without torch, loaded without running code."""

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bnexp.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor, nn

INSIDE = ("state_dict", "model")  # where checkpoints hold the weights beside other things


def content(file: str) -> str:
    """SHA-256 of the file. UserError where it cannot be read."""
    path = Path(file).expanduser()
    try:
        known = path.stat()
        return _content(path, known.st_mtime_ns, known.st_size)
    except OSError as error:
        raise UserError(f"model.weights={file}: cannot be read: {error.strerror}") from error


@lru_cache
def _content(path: Path, modified: int, size: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read(file: str) -> dict[str, "Tensor"]:
    """The state dict in a file of torch.save, on the CPU. Nothing in the file is executed.

    It may lie in a checkpoint, under `state_dict` or `model`. UserError for anything else.
    """
    import torch

    start = f"model.weights={file}"
    try:
        found: Any = torch.load(Path(file).expanduser(), map_location="cpu", weights_only=True)
    except Exception as error:  # unpickling damaged files raises nearly anything
        why = str(error).strip().partition("\n")[0].partition(". ")[0] or type(error).__name__
        raise UserError(f"{start}: holds no weights that are safe to load: {why}") from error
    for key in INSIDE:
        if isinstance(found, Mapping) and isinstance(found.get(key), Mapping):
            found = found[key]
    if not (
        isinstance(found, Mapping)
        and found
        and all(isinstance(k, str) and isinstance(v, torch.Tensor) for k, v in found.items())
    ):
        raise UserError(f"{start}: holds no state dict, tensors by name")
    return dict(found)


def fits(net: "nn.Module", weights: Mapping[str, "Tensor"]) -> bool:
    """Whether the net has exactly the tensors of these names and shapes."""
    return not _differences(net, weights)


def load(net: "nn.Module", file: str, weights: Mapping[str, "Tensor"]) -> None:
    """Give the net the weights read from a file. UserError where they are another net's."""
    differences = _differences(net, weights)
    if differences:
        more = f"; {len(differences) - 3} more" if len(differences) > 3 else ""
        raise UserError(f"model.weights={file}: of another net: {'; '.join(differences[:3])}{more}")
    net.load_state_dict(weights)


def _differences(net: "nn.Module", weights: Mapping[str, "Tensor"]) -> list[str]:
    own = net.state_dict()
    lines = []
    for name in [*own, *(name for name in weights if name not in own)]:
        if name not in weights:
            lines.append(f"{name} is missing there")
        elif name not in own:
            lines.append(f"{name} is only there")
        elif weights[name].shape != own[name].shape and not _grows(net, name):
            there, here = list(weights[name].shape), list(own[name].shape)
            lines.append(f"{name} is {there} there and {here} here")
    return lines


def _grows(net: "nn.Module", name: str) -> bool:
    """Whether the tensor takes on the shape that is loaded, as statistics by time step do."""
    from bnexp.norms import RecurrentBatchNorm

    home, _, tensor = name.rpartition(".")
    return isinstance(net.get_submodule(home), RecurrentBatchNorm) and "running" in tensor
