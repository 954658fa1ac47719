"""The state of an interrupted run, in a file whose damage is noticed."""

import hashlib
import io
from pathlib import Path
from typing import Any

import torch
from torch import nn

from bnexp.runs.files import write_whole

_HEAD = b"bnexp checkpoint 2 sha256 "


class Damaged(Exception):
    """A checkpoint that is not what was written."""


def write_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write `state`, headed by its digest, whole or not at all."""
    body = io.BytesIO()
    torch.save(state, body)
    digest = hashlib.sha256(body.getbuffer()).hexdigest().encode()
    write_whole(path, lambda file: file.writelines([_HEAD, digest, b"\n", body.getbuffer()]))


def read_checkpoint(path: Path, device: torch.device) -> dict[str, Any]:
    """The state that was written, tensors on `device`. Raises Damaged if a single byte differs."""
    content = path.read_bytes()
    head, _, body = content.partition(b"\n")
    if not head.startswith(_HEAD):
        raise Damaged("no checkpoint of this version")
    if hashlib.sha256(body).hexdigest().encode() != head.removeprefix(_HEAD):
        raise Damaged("its digest does not fit")
    state: dict[str, Any] = torch.load(io.BytesIO(body), map_location=device, weights_only=True)
    return state


def set_damaged_aside(path: Path) -> Path:
    """Rename a damaged checkpoint, so that a new one can be written, and return its new path."""
    number = 1
    while (aside := path.with_name(f"{path.stem}.damaged-{number}{path.suffix}")).exists():
        number += 1
    return path.rename(aside)


def save_weights(model: nn.Module, path: Path) -> None:
    """Write the state dict, for `torch.load(path, weights_only=True)`."""
    write_whole(path, lambda file: torch.save(model.state_dict(), file))
