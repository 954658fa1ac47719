"""A checked run that has not started: configuration, dataset facts, identity."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from bnexp import schema
from bnexp.config import AnyData, Config, Logger, Model
from bnexp.data import Facts, describe, smallest_batch
from bnexp.data import check as check_data
from bnexp.errors import UserError
from bnexp.importing import source_hash
from bnexp.models.check import check as check_model
from bnexp.models.check import check_lengths
from bnexp.models.families import FAMILIES
from bnexp.models.family import code
from bnexp.models.weights import content
from bnexp.norms.catalogue import NORMS
from bnexp.runs.identity import NO_TRAITS, Traits, identity


@dataclass(frozen=True)
class Plan:
    """One run, ready to be trained: nothing about it can be refused any more."""

    config: Config  # device resolved
    facts: Facts
    preset: str
    traits: Traits = NO_TRAITS

    @cached_property
    def identity(self) -> str:
        """What names the run."""
        return identity(self.config.model_dump(), self.facts.content, self.traits)

    def with_seed(self, seed: int) -> "Plan":
        """The same run with another seed."""
        return replace(self, config=self.config.model_copy(update={"seed": seed}))

    @property
    def runs_dir(self) -> Path:
        """The folder of the records."""
        return Path(self.config.runs_dir)


def plan(tree: Mapping[str, Any], preset: str, here: bool = True) -> Plan:
    """Check a composed configuration against the schema, the dataset and the device.

    `here` says whether the run is for this machine, so that its device must be in it.

    Raises UserError with one line for every problem found.
    """
    tree, problems = schema.complete(tree)
    problems += schema.problems(tree)
    model = schema.section(Model, tree, "model")
    data = schema.section(AnyData, tree, "data")
    facts = weights = None
    if data is not None:
        data_problems = check_data(data)
        problems += data_problems
        if not data_problems:
            try:
                facts = describe(data)
            except UserError as error:
                problems += error.lines
    if model is not None and facts is not None:
        smallest = smallest_batch(data, facts.train)
        problems += check_model(model, facts.shape, facts.classes, data.batch_size, smallest)
        problems += check_lengths(model) if data.lengths is not None else []
        try:
            weights = content(model.weights) if model.weights is not None else None
        except UserError as error:
            problems += error.lines
        else:
            if FAMILIES[model.kind].layers is None or model.norm not in NORMS or weights:
                shape, classes = facts.shape, facts.classes
                problems += _try_out(model.model_dump_json(), shape, classes, smallest, weights)
    logger = schema.section(Logger, tree, "logger")
    if logger is not None and logger.name != "none" and find_spec(logger.name) is None:
        problems.append(f"logger={logger.name}: not installed; pip install 'bnexp[{logger.name}]'")
    device = ""
    try:
        device = resolve_device(str(tree.get("device")), here)
    except UserError as error:
        problems += error.lines
    if problems or facts is None:
        raise UserError(*problems)
    config = Config.model_validate(tree | {"device": device})
    traits = Traits(source=source_hash(code(config.model)), weights=weights)
    return Plan(config, facts, preset, traits)


@lru_cache(maxsize=1024)
def _try_out(
    model: str, shape: tuple[int, ...], classes: int, batch_size: int, weights: str | None
) -> list[str]:
    """Problems of a model, norm or weights from elsewhere, found by building and a batch.

    `weights` is the hash of the file: another content is another question.
    """
    import torch

    from bnexp.models import build_model

    config: Model = TypeAdapter(Model).validate_json(model)
    name = getattr(config, "name", config.norm)
    with torch.random.fork_rng(), torch.no_grad():
        try:
            net = build_model(config, shape, classes)
            net.train()(torch.zeros(batch_size, *shape))
        except UserError as error:
            return error.lines
        except (Exception, SystemExit) as error:
            text = (str(error) or type(error).__name__).strip().partition("\n")[0]
            return [f"{name}: fails in training on {batch_size} samples of {list(shape)}: {text}"]
    return []


def resolve_device(name: str, here: bool = True) -> str:
    """`auto` becomes the accelerator that torch sees, or cpu; others must be there, if `here`."""
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
