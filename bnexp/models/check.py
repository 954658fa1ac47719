"""Combinations of model, norm and data that cannot work, found before training. Without torch."""

from math import gcd

from pydantic import ValidationError

from bnexp.config import CNN, RNN, Model, Torchvision
from bnexp.models.shapes import NormedLayer, normed_layers
from bnexp.norms.catalogue import NORMS

_DIMENSIONS = {"cnn": (3,), "rnn": (2, 3), "torchvision": (3,)}  # of one sample


def check(
    model: Model, shape: tuple[int, ...], classes: int, batch_size: int, smallest_batch: int
) -> list[str]:
    """One line for each problem; `smallest_batch` is that of the last batch of an epoch.

    Knows our own nets and norms: those of others are checked by running them. Options that the
    schema refuses are its business.
    """
    problems = check_structure(model, shape, classes)
    if _reads(model, shape) and not isinstance(model, Torchvision):
        layers = normed_layers(model, shape, classes)
        problems += _batches(model.norm, model.norm_options, layers, batch_size, smallest_batch)
    return problems


def check_structure(model: Model, shape: tuple[int, ...], classes: int) -> list[str]:
    """The problems among them that no batch size would solve."""
    if not _reads(model, shape):
        shown = list(shape)
        return [
            f"model.kind={model.kind}: reads images, and a sample is {shown}; model=mlp takes it"
        ]
    if isinstance(model, Torchvision):
        return _external(model, shape)
    start = f"model.norm={model.norm}"
    problems = []
    if model.placement == "after" and isinstance(model, RNN) and model.norm != "none":
        problems.append(
            "model.placement=after: an rnn normalises before its activation; use before"
        )
    if model.norm not in NORMS:
        return problems
    norm = NORMS[model.norm]
    layers = normed_layers(model, shape, classes)
    if norm.recurrent_only and not isinstance(model, RNN):
        problems.append(f"{start}: is for recurrent nets only; use batch, or model=rnn")
    if norm.needs_space and not isinstance(model, CNN):
        problems.append(f"{start}: normalises over space, which only a cnn has; use layer or group")
    elif norm.needs_space and any(layer.places == 1 for layer in layers):
        problems.append(
            f"{start}: some layer has one value per sample and channel left to normalise; "
            "use fewer blocks, larger images or no model.norm_output"
        )
    if model.norm == "layer" and any(layer.channels * layer.places == 1 for layer in layers):
        problems.append(f"{start}: some layer has one value per sample to normalise; widen it")
    if model.placement == "after" and norm.on_weights:
        problems.append(f"model.placement=after: norm {model.norm} acts on weights; use before")
    if model.norm == "group":
        problems += _groups(model.norm_options, layers)
    return problems


def _reads(model: Model, shape: tuple[int, ...]) -> bool:
    return len(shape) in _DIMENSIONS.get(model.kind, (len(shape),))


def _external(model: Torchvision, shape: tuple[int, ...]) -> list[str]:
    problems = []
    if model.kind == "torchvision" and shape[0] not in (1, 3):
        problems.append(f"model.kind=torchvision: images of {shape[0]} channels; it takes 1 or 3")
    if model.norm == "keep" and model.norm_options:
        problems.append(f"model.norm_options={model.norm_options}: norm keep takes none")
    return problems


def _option(norm: str, options: dict[str, object], name: str) -> int | None:
    """The value of an integer option; None where the norm has none, or not these options."""
    try:
        return getattr(NORMS[norm].options.model_validate(options), name, None)
    except ValidationError:
        return None


def _groups(options: dict[str, object], layers: list[NormedLayer]) -> list[str]:
    groups = _option("group", options, "groups")
    common = gcd(*(layer.channels for layer in layers))
    fits = [
        fit
        for fit in range(1, common + 1)
        if common % fit == 0 and all(x.channels // fit * x.places > 1 for x in layers)
    ]
    if groups is None or groups in fits:
        return []
    shown = ", ".join(str(layer.channels) for layer in layers)
    nearest = min(fits, key=lambda fit: abs(fit - groups), default=None)
    hint = "wider layers would do" if nearest is None else f"{nearest} would do"
    why = "must divide the channels of every normalised layer"
    if common % groups == 0:
        why = "must leave more than one value to a group in every normalised layer"
    return [f"model.norm_options.groups={groups}: {why} ({shown}); {hint}"]


def _batches(
    norm: str,
    options: dict[str, object],
    layers: list[NormedLayer],
    batch_size: int,
    smallest_batch: int,
) -> list[str]:
    """Where a channel would have one value to take a variance from."""
    if norm not in NORMS or not NORMS[norm].batch_statistics:
        return []
    if all(layer.places > 1 for layer in layers):
        return []
    why = f"norm {norm} needs more than one value, and some layers have one per sample"
    if batch_size == 1:
        return [f"data.batch_size=1: {why}; use at least 2, or a norm such as layer"]
    if smallest_batch == 1:
        return [
            f"data.batch_size={batch_size}: the last batch of an epoch is one sample; {why}; "
            "use data.drop_last=true or another size"
        ]
    ghost_size = _option(norm, options, "ghost_size")
    if ghost_size is None:
        return []
    for size in sorted({batch_size, smallest_batch}):
        ghosts = -(-size // ghost_size)
        if size // ghosts == 1:
            return [
                f"model.norm_options.ghost_size={ghost_size}: a batch of {size} has a ghost of "
                f"one sample; {why}; use a larger one"
            ]
    return []
