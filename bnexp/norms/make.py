"""From the name, class or partial of a normaliser to the layer."""

import reprlib
from collections.abc import Callable
from typing import Any

from pydantic import ValidationError
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from bnexp.errors import UserError
from bnexp.importing import import_object
from bnexp.norms.catalogue import NORMS

Norm = str | Callable[..., nn.Module]


def make_norm(norm: Norm, channels: int, **options: Any) -> nn.Module:
    """Return the normaliser for (N, channels, *space), 0 to 3 spatial dimensions.

    norm is a name of the catalogue, "package.module.Class", or anything that is called as
    norm(channels, **options). UserError for unknown names and wrong options.
    """
    if not isinstance(norm, str):
        return norm(channels, **options)
    if norm not in NORMS:
        return _others(norm, channels, options)
    if NORMS[norm].on_weights:
        raise UserError(
            f"{norm} norm acts on the weights of a linear or convolutional layer and cannot "
            "stand alone as a layer"
        )
    return layer_of(norm)(channels, **_checked(norm, options))


def attach_norm(
    layer: nn.Module, norm: Norm, channels: int, **options: Any
) -> tuple[nn.Module, nn.Module]:
    """Return the layer and the normaliser that follows it.

    layer has a `weight` with channels outputs. Weight and spectral norm parametrise that weight
    in place and are followed by nn.Identity.
    """
    if isinstance(norm, str) and norm in NORMS and NORMS[norm].on_weights:
        return layer_of(norm)(layer, **_checked(norm, options)), nn.Identity()
    return layer, make_norm(norm, channels, **options)


def layer_of(norm: str) -> Callable[..., nn.Module]:
    """The class of a normaliser of the catalogue, or its function on a layer's weight."""
    return _imported(NORMS[norm].layer)


def is_batch_norm(module: nn.Module) -> bool:
    """Whether the module's output in training mode depends on the other samples of the batch.

    A layer of your own says so by an attribute `batch_statistics = True`.
    """
    return isinstance(module, _BatchNorm) or bool(getattr(module, "batch_statistics", False))


def wants_population_statistics(model: nn.Module) -> bool:
    """Whether some layer's running statistics are to be estimated before evaluation.

    A layer of your own says so by an attribute `population_statistics = True`.
    """
    return any(getattr(module, "population_statistics", False) for module in model.modules())


def _others(path: str, channels: int, options: dict[str, Any]) -> nn.Module:
    """A normaliser of someone else's, by import path."""
    make = _imported(path)
    try:
        norm = make(channels, **options)
    except Exception as error:
        said = (str(error) or type(error).__name__).strip().partition("\n")[0]
        raise UserError(f"norm {path}: {said}") from error
    if not isinstance(norm, nn.Module):
        raise UserError(f"norm {path}: gives {type(norm).__name__}, not an nn.Module")
    return norm


def _checked(norm: str, options: dict[str, Any]) -> dict[str, Any]:
    """Return the options with every default filled in."""
    try:
        return NORMS[norm].options(**options).model_dump()
    except ValidationError as error:
        known = ", ".join(NORMS[norm].options.model_fields) or "none"
        lines = []
        for problem in error.errors():
            key, value = problem["loc"][0], problem["input"]
            if problem["type"] == "extra_forbidden":
                lines.append(f"norm {norm} has no option {key}; its options: {known}")
            else:
                lines.append(f"norm {norm}: {key}={reprlib.repr(value)}: {problem['msg']}")
        raise UserError(*lines) from None


def _imported(path: str) -> Callable[..., nn.Module]:
    if "." not in path:
        raise UserError(f"no normaliser {path!r}; known are {', '.join(NORMS)}, or package.Class")
    try:
        found: Callable[..., nn.Module] = import_object(path)
    except Exception as error:  # whatever the module does on import
        raise UserError(f"normaliser {path!r} cannot be imported: {error}") from error
    return found
