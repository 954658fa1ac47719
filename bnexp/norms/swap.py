"""Other normalisers in the place of those that a model came with."""

import re
from dataclasses import dataclass
from math import gcd
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm, _NormBase
from torch.nn.modules.instancenorm import _InstanceNorm

from bnexp.errors import UserError
from bnexp.norms.catalogue import NORMS
from bnexp.norms.layers import LayerNorm
from bnexp.norms.make import Norm, layer_of, make_norm

PYTORCHS = {
    nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm, nn.GroupNorm,
    nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d,
}  # fmt: skip
FAMILIES = {"batch": _BatchNorm, "instance": _InstanceNorm, "group": nn.GroupNorm}


@dataclass(frozen=True)
class Swap:
    """One replaced normaliser: where, what by what, and which tensors the new one took over."""

    path: str
    old: str
    new: str
    kept: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.path}: {self.old} -> {self.new}, kept {', '.join(self.kept) or 'nothing'}"


def swap_norms(model: nn.Module, norm: Norm, **options: Any) -> list[Swap]:
    """Replace every normaliser of the model, in place, and return what was replaced.

    The new layers take over scale and shift where both layers have them, running statistics
    where both are batch norms, device, dtype and mode. A batch norm in the place of a batch norm
    keeps the old one's options (eps, momentum, ...) where none are given here, and so do instance
    norms and group norms among themselves. UserError, before anything is changed,
    naming the module that cannot be replaced faithfully: one that does not take (N, C, *space),
    as the layer norms of transformers and ConvNeXt, or that no one here knows; and for weight,
    spectral and recurrent batch norm, which are no layers that could stand in.
    """
    info = NORMS.get(norm) if isinstance(norm, str) else None
    if info and (info.on_weights or info.recurrent_only):
        raise UserError(f"{norm} norm is no layer that could replace the normalisers of a model")
    kinds = replaceable()
    modules = model.named_modules(remove_duplicate=False)
    found = [(path, module) for path, module in modules if _is_norm(path, module, kinds)]
    if not found:
        raise UserError(f"{type(model).__name__} has no normaliser that could be replaced")
    try:
        new = {old: _stand_in(path, old, norm, options) for path, old in dict(found).items()}
    except UserError as error:
        raise UserError(*error.lines, *_groups_of_all(dict(found), options)) from None
    kept = {old: _take_over(old, new[old]) for old in new}
    for path, old in found:
        model.set_submodule(path, new[old])
    return [Swap(path, repr(old), repr(new[old]), kept[old]) for path, old in found]


def replaceable() -> set[Any]:
    """The classes of normalisers that take (N, C, *space): PyTorch's and the catalogue's."""
    return PYTORCHS | {
        layer_of(name)
        for name, info in NORMS.items()
        if name != "none" and not info.on_weights and not info.recurrent_only
    }


def _is_norm(path: str, module: nn.Module, kinds: set[Any]) -> bool:
    """Whether the module is to be replaced; UserError for normalisers that cannot be."""
    kind = type(module)
    if kind in kinds and path:
        return True
    if isinstance(module, (_NormBase, nn.GroupNorm, nn.LayerNorm)) or (
        re.search("Norm(?!al)", kind.__name__) and not any(module.children())
    ):
        raise UserError(
            f"{path or 'the model itself'}: {kind.__module__}.{kind.__name__} cannot be replaced "
            "faithfully; only normalisers inside a model that take (N, C, *space) can"
        )
    return False


def _stand_in(path: str, old: nn.Module, norm: Norm, options: dict[str, Any]) -> nn.Module:
    options = _own_options(old, norm) | options
    try:
        return make_norm(norm, _channels(old), **options).train(old.training)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None


def _groups_of_all(found: dict[str, nn.Module], options: dict[str, Any]) -> list[str]:
    """A line where the number of groups does not divide all channels, with the numbers that do."""
    groups = options.get("groups")
    common = gcd(*map(_channels, found.values()))
    if not isinstance(groups, int) or groups < 1 or common % groups == 0:
        return []
    fits = ", ".join(str(fit) for fit in range(1, common + 1) if common % fit == 0)
    return [f"the channels of all {len(found)} normalisers are divided by {fits} groups"]


def _channels(norm: nn.Module) -> int:
    return int(norm.num_channels if isinstance(norm, nn.GroupNorm) else norm.num_features)  # type: ignore[arg-type]


def _own_options(old: nn.Module, norm: Norm) -> dict[str, Any]:
    """The options that a norm of the old one's family keeps."""
    info = NORMS.get(norm) if isinstance(norm, str) else None
    if not info or not info.family or isinstance(old, LayerNorm):
        return {}
    if not isinstance(old, FAMILIES[info.family]):
        return {}
    names = {name: "num_groups" if name == "groups" else name for name in info.options.model_fields}
    return {name: getattr(old, its) for name, its in names.items() if hasattr(old, its)}


@torch.no_grad()
def _take_over(old: nn.Module, new: nn.Module) -> tuple[str, ...]:
    """Give new what old has learnt; return the names of those tensors."""
    tensors = old.state_dict(keep_vars=True)
    if tensors:
        new.to(next(iter(tensors.values())))  # device and dtype
    names = ["weight", "bias"]
    if isinstance(old, _BatchNorm) and isinstance(new, _BatchNorm):
        names += ["running_mean", "running_var", "num_batches_tracked"]
    kept = []
    for name, target in new.state_dict(keep_vars=True).items():
        if name in names and name in tensors and target.shape == tensors[name].shape:
            target.copy_(tensors[name]).requires_grad_(tensors[name].requires_grad)
            kept.append(name)
    return tuple(kept)
