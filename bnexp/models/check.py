"""Combinations of model, norm and data that cannot work, found before training without torch."""

from collections.abc import Iterable
from math import gcd

from pydantic import ValidationError

from bnexp.models.families import FAMILIES
from bnexp.models.family import MOST_PARAMETERS, Family, Normalised, NormedLayer, Shape
from bnexp.norms.catalogue import NORMS


def check_model(
    model: Normalised,
    shape: Shape,
    classes: int,
    batch_size: int,
    smallest_batch: int,
    other_sizes: Iterable[int] = (),
) -> list[str]:
    """One line for each problem of a net on samples of `shape`; empty if there is none.

    `smallest_batch` is the size of the last batch of an epoch, `other_sizes` those of further
    batches that norms see in training mode. Only our own nets and norms are checked here: those
    of others are tried out (bnexp/training/trial.py), and options are checked by the schema.
    """
    problems = check_structure(model, shape, classes)
    family = FAMILIES[model.kind]
    if len(shape) in family.dimensions and family.layers is not None:
        layers = normed_layers(model, shape, classes)
        norm, options = model.norm, model.norm_options
        problems += _batches(norm, options, layers, batch_size, smallest_batch, other_sizes)
    return problems


def check_structure(model: Normalised, shape: Shape, classes: int) -> list[str]:
    """Those of the problems that no batch size would solve."""
    family = FAMILIES[model.kind]
    if len(shape) not in family.dimensions:
        shown = list(shape)
        return [
            f"model.kind={model.kind}: reads images, and a sample is {shown}; model=mlp takes it"
        ]
    problems = family.check(model, shape, classes) if family.check is not None else []
    if problems:
        return problems
    if family.parameters is not None:
        parameters = family.parameters(model, shape, classes)
        if parameters > MOST_PARAMETERS:
            problems.append(
                f"model.kind={model.kind}: would have {parameters:,} parameters; "
                f"at most {MOST_PARAMETERS:,}"
            )
    if family.layers is not None and model.norm in NORMS:
        problems += _norm(model, family, normed_layers(model, shape, classes))
    return problems


def check_lengths(model: Normalised) -> list[str]:
    """The problems that sequences of varying length bring."""
    family = FAMILIES[model.kind]
    if family.layers is not None and not family.recurrent:
        return [f"data.lengths: model.kind={model.kind} takes whole samples; use model=rnn or lstm"]
    if family.recurrent and _option(model.norm, model.norm_options, "ghost_size") is not None:
        return [f"data.lengths: norm {model.norm} is of whole sequences; use batch"]
    return []


def normed_layers(model: Normalised, shape: Shape, classes: int) -> list[NormedLayer]:
    """Every layer of one of our own nets that the norm normalises."""
    layers = FAMILIES[model.kind].layers
    assert layers is not None
    output = [NormedLayer(classes)] if getattr(model, "norm_output", False) else []
    return layers(model, shape, classes) + output


def _norm(model: Normalised, family: Family, layers: list[NormedLayer]) -> list[str]:
    start, norm = f"model.norm={model.norm}", NORMS[model.norm]
    problems = []
    if norm.recurrent_only and not family.recurrent:
        problems.append(f"{start}: is for recurrent nets only; use batch, or model=rnn")
    if norm.needs_space and not family.space:
        problems.append(
            f"{start}: normalises over space, which an {model.kind} has not; use layer or group"
        )
    elif norm.needs_space and any(layer.places == 1 for layer in layers):
        problems.append(
            f"{start}: some layer has one value per sample and channel left to normalise; "
            "use fewer blocks, larger images or no model.norm_output"
        )
    if model.norm == "layer" and any(layer.channels * layer.places == 1 for layer in layers):
        problems.append(f"{start}: some layer has one value per sample to normalise; widen it")
    if getattr(model, "placement", "") == "after" and norm.on_weights:
        problems.append(f"model.placement=after: norm {model.norm} acts on weights; use before")
    if model.norm == "group":
        problems += _groups(model.norm_options, layers)
    return problems


def _option(norm: str, options: dict[str, object], name: str) -> int | None:
    """The value of an integer option; None where the norm has none, or not these options."""
    try:
        return getattr(NORMS[norm].options.model_validate(options), name, None)
    except (KeyError, ValidationError):
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
    hint = f"{', '.join(map(str, fits))} would do" if fits else "wider layers would do"
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
    other_sizes: Iterable[int],
) -> list[str]:
    """Problems of batches in which a channel has a single value, which has no variance."""
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
    for size in sorted({batch_size, smallest_batch, *other_sizes} - {0, 1}):
        ghosts = -(-size // ghost_size)
        if size // ghosts == 1:
            return [
                f"model.norm_options.ghost_size={ghost_size}: a batch of {size} has a ghost of "
                f"one sample; {why}; use a larger one"
            ]
    return []
