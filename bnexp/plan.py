"""A checked run that has not started: configuration, dataset facts, identity."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from bnexp import schema
from bnexp.arguments import last_part
from bnexp.config import AnyData, Config, Logger, Model, Probes
from bnexp.data import Facts, check_data, describe, smallest_batch
from bnexp.data.batch_sizes import batch_sizes
from bnexp.data.dataset import info
from bnexp.errors import UserError
from bnexp.importing import source_hash
from bnexp.models.check import check_lengths, check_model, check_structure
from bnexp.models.families import FAMILIES
from bnexp.models.family import code
from bnexp.norms.catalogue import NORMS
from bnexp.runs.identity import NO_TRAITS, Traits, identity
from bnexp.training.schedule import schedule_notes, total_steps
from bnexp.training.trial import Layout, Trial


@dataclass(frozen=True)
class Plan:
    """One run, ready to be trained: everything about it has been checked."""

    config: Config  # device resolved
    facts: Facts
    preset: str
    traits: Traits = NO_TRAITS
    layout: Layout = "channels_last"  # of images in memory
    notes: tuple[str, ...] = ()  # what is said before training

    @cached_property
    def identity(self) -> str:
        """What names the run."""
        return identity(self.config.model_dump(), self.facts.content, self.traits)

    @property
    def recorded(self) -> dict[str, Any]:
        """The configuration as records and loggers have it: paths, which may name a user, lose
        their folders, and addresses their passwords.
        """
        config = self.config.model_dump()
        sections = [
            (config, "runs_dir"),
            (config, "live"),
            (config["data"], "root"),
            (config["model"], "weights"),
        ]
        for section, key in [*sections, (config["logger"], "uri")]:
            if section.get(key):
                section[key] = last_part(section[key])
        return config

    @property
    def steps_per_epoch(self) -> int:
        """The optimizer steps of an epoch."""
        config = self.config
        batches = len(batch_sizes(config.data, self.facts.train, config.seed, epoch=0))
        return math.ceil(batches / config.training.accumulate)

    @property
    def steps(self) -> int:
        """The optimizer steps of the run, if it does not diverge."""
        return total_steps(self.config.training, self.steps_per_epoch)

    def with_seed(self, seed: int) -> "Plan":
        """The same run with another seed."""
        return replace(self, config=self.config.model_copy(update={"seed": seed}))

    @property
    def runs_dir(self) -> Path:
        """The folder of the records."""
        return Path(self.config.runs_dir)

    @property
    def own_folder(self) -> Path:
        """Its folder, unless the run was begun under another preset (`runs.places.find_run`)."""
        return self.runs_dir / f"{self.preset}-{self.identity}"


def plan(tree: Mapping[str, Any], preset: str, here: bool = True) -> Plan:
    """Check a composed configuration against the schema, the dataset and the device.

    `here` says whether the run is for this machine, which must then have its device.

    Raises UserError with one line for every problem found.
    """
    tree, problems = schema.with_defaults(tree)
    problems += schema.problems(tree)
    model = schema.section(Model, tree, "model")
    data = schema.section(AnyData, tree, "data")
    facts = None
    if data is not None:
        data_problems = check_data(data)
        problems += data_problems
        if not data_problems:
            try:
                facts = describe(data)
            except UserError as error:
                problems += error.lines
    logger = schema.section(Logger, tree, "logger")
    if logger is not None and logger.name != "none" and find_spec(logger.name) is None:
        problems.append(f"logger={logger.name}: not installed; pip install 'bnexp[{logger.name}]'")
    device = ""
    try:
        device = resolve_device(str(tree.get("device")), here)
    except UserError as error:
        problems += error.lines
    trial, weights = Trial(), None
    if model is not None and data is not None and facts is not None:
        smallest = smallest_batch(data, facts.train)
        others = _other_sizes(data, facts)
        shape, classes = facts.shape, facts.classes
        size = data.batch_size if data.batch_sizes is None else data.batch_sizes[0]
        problems += check_model(model, shape, classes, size, smallest, others)
        problems += check_lengths(model) if data.lengths is not None else []
        try:
            weights = _content(model.weights) if model.weights is not None else None
        except UserError as error:
            problems += error.lines
        else:
            precision = str(tree.get("precision")) if device == "cpu" else "fp32"
            trial = _trial(model, data, facts, precision, weights)
            problems += trial.problems
    elif model is not None and data is not None:
        problems += _structure(model, data)
    probes = schema.section(Probes, tree, "probes")
    if probes is not None:
        problems += _own_instruments(probes)
    if problems or facts is None:
        raise UserError(*problems)
    config = Config.model_validate(tree | {"device": device})
    sizes, step = batch_sizes(config.data, facts.train, config.seed, 0), config.training.accumulate
    groups = [sizes[start : start + step] for start in range(0, len(sizes), step)]
    traits = Traits(
        batch_statistics=trial.batch_statistics,
        uneven=any(len(set(group)) > 1 for group in groups),
        source=source_hash(code(config.model)),
        weights=weights,
    )
    notes = [*([facts.note] if facts.note is not None else []), *trial.notes]
    notes += schedule_notes(config.training, len(groups))
    return Plan(config, facts, preset, traits, trial.layout, tuple(notes))


def _content(weights: str) -> str:
    from bnexp.models.weights import content

    return content(weights)


def _structure(model: Model, data: AnyData) -> list[str]:
    """Problems of a net whose dataset cannot be read, as far as the shape of a sample tells."""
    size = info(data).size
    try:
        found = size(data) if callable(size) else size
    except UserError:
        return []
    return [] if found is None else check_structure(model, found[0], classes=10)


def _trial(model: Model, data: AnyData, facts: Facts, precision: str, weights: str | None) -> Trial:
    """The outcome of a trial; our own nets and norms are tried only where they load weights."""
    own = FAMILIES[model.kind].layers is not None and model.norm in NORMS and not weights
    if own and model.norm_options.get("track_running_stats") is not False:
        return Trial(batch_statistics=NORMS[model.norm].batch_statistics)
    return _try_out(model.model_dump_json(), data.model_dump_json(), facts, precision, weights)


def _other_sizes(data: AnyData, facts: Facts) -> set[int]:
    """Batch sizes besides the first: of an epoch, if they vary, and of train-mode evaluation."""
    low, high = data.batch_sizes or (data.batch_size, data.batch_size)
    splits = (facts.train, facts.val, facts.test)
    return {*range(low, high + 1), *(min(data.batch_size, n) for n in splits)}


@lru_cache(maxsize=1024)
def _try_out(model: str, data: str, facts: Facts, precision: str, weights: str | None) -> Trial:
    """A trial, remembered; `weights` is a hash of the file, so that new contents are tried."""
    from bnexp.training.trial import try_out

    return try_out(
        TypeAdapter(Model).validate_json(model),
        TypeAdapter(AnyData).validate_json(data),
        facts,
        precision,
    )


def _own_instruments(probes: Probes) -> list[str]:
    """A line for each instrument of the user's own that cannot be imported."""
    problems = []
    for name, schedule in probes.schedules().items():
        if schedule.function is not None:
            from bnexp.probes import find_instrument

            try:
                find_instrument(name, schedule.function)
            except UserError as error:
                problems += error.lines
    return problems


def resolve_device(name: str, here: bool = True) -> str:
    """`auto` becomes the accelerator that torch sees, or cpu.

    With `here`, raises UserError for a device that this machine lacks."""
    known = name.startswith(("auto", "cuda", "mps"))
    if not known or (name != "auto" and not here):
        return name  # a name that is no device is the schema's to refuse
    import torch

    accelerator = torch.accelerator.current_accelerator(check_available=True)
    found = "cpu" if accelerator is None else accelerator.type
    kind, _, index = name.partition(":")
    if kind == "auto":
        return found if found in ("cuda", "mps") else "cpu"
    if kind != found or (index and int(index) >= torch.accelerator.device_count()):
        raise UserError(f"device={name}: not on this machine; auto would take {found}")
    return name
