"""Every public key of a training run: its type, range, unit and meaning.

The keys of a net stand with its family in `bnexp/models/`, those of data in
`bnexp/data/dataset.py` and with each dataset, those of an optimizer in
`bnexp/training/optimizers.py`. The values themselves are the YAML presets in `conf/`; nothing here
has a default, so a run's configuration is exactly what `bnexp train --cfg job` prints. Imports no
torch.
"""

import re
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    field_validator,
    model_serializer,
    model_validator,
)
from pydantic_core import InitErrorDetails

from bnexp.data.dataset import Data, which
from bnexp.data.datasets import DATASETS
from bnexp.models.families import FAMILIES
from bnexp.models.family import Normalised
from bnexp.probes.catalogue import PROBES
from bnexp.section import DOTTED, OneOf, Positive, Rate, Section
from bnexp.training.optimizers import OPTIMIZERS, Optimizer

Few = Annotated[int, Field(ge=1, le=1024)]  # threads, processes


# ----------------------------------------------------------------------------- training, probes


Split = Literal["train", "val", "test"]


def _in_order(splits: list[Split]) -> list[Split]:
    return [split for split in get_args(Split) if split in splits]


def _whole_or_part(epochs: float) -> float:
    if epochs > 1 and epochs != int(epochs):
        raise ValueError("must be a whole number of epochs, or a part of one")
    return int(epochs) if epochs >= 1 else epochs


class Training(Section):
    """How long, on which schedule, and what is kept."""

    epochs: int = Field(ge=1)
    max_steps: Positive | None = Field(description="end after this many optimizer steps")
    lr_schedule: Literal["constant", "cosine", "step"]
    lr_warmup_epochs: float = Field(ge=0, description="linear warm-up; fractions allowed")
    lr_step_size: Positive = Field(description="epochs between two steps of the step schedule")
    lr_gamma: float = Field(gt=0, le=1, description="factor of each step")
    label_smoothing: Rate
    clip_grad_norm: Annotated[float, Field(gt=0)] | None = Field(description="global L2 norm")
    accumulate: Positive = Field(description="batches whose samples make one optimizer step")
    evaluate_every: Annotated[float, AfterValidator(_whole_or_part)] = Field(
        gt=0, description="epochs, or a part of one, between evaluations; the last always"
    )
    evaluate: Annotated[list[Split], AfterValidator(_in_order)] = Field(
        description="splits scored between the first and the last evaluation, which score all"
    )
    evaluate_train_mode: Literal["never", "end", "always"] = Field(
        description="score with batch statistics too: at the last evaluation, or at every one"
    )
    evaluate_samples: Positive | None = Field(
        description="most samples of a split scored before the last evaluation: a fixed subset"
    )
    ema: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        description="decay a step of the moving average of the weights that is evaluated and kept"
    )
    checkpoint_seconds: float = Field(ge=0, description="time between checkpoints")
    save_weights: bool = Field(description="keep the final weights in weights.pt")


class Schedule(Section):
    """At which steps an instrument records; step 0 is before the first update."""

    every: Positive | None = Field(description="steps between two recordings")
    at: list[Annotated[int, Field(ge=0)]] = Field(description="further steps")
    end: bool = Field(description="also after the last update")
    function: str | None = Field(
        default=None, description="your own instrument, as package.function"
    )

    @field_validator("function")
    @classmethod
    def _dotted(cls, function: str | None) -> str | None:
        if function is not None and not DOTTED.fullmatch(function):
            raise ValueError("must name a function as package.function")
        return function

    @model_serializer(mode="wrap")
    def _as_typed(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        values: dict[str, Any] = serialize(self)
        return {key: values[key] for key in values if key != "function" or values[key] is not None}


def _scheduled(value: Any) -> Any:
    """`probes.<name>=package.function`: that instrument, on the schedule that the others have."""
    if isinstance(value, str):
        return {"every": 100, "at": [0], "end": True, "function": value}
    return value


_Schedule = Annotated[Schedule | None, BeforeValidator(_scheduled)]


class Probes(Section):
    """The instruments; null switches one off.

    Besides these, those of bnexp/probes/catalogue.py by name, and your own by any name:
    `probes.<name>=package.function`, or a schedule with the key `function`.
    """

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, _Schedule] = Field(init=False)

    gradients: _Schedule = Field(description=PROBES["gradients"].summary)
    activations: _Schedule = Field(description=PROBES["activations"].summary)
    histograms: _Schedule = Field(description=PROBES["histograms"].summary)
    norms: bool = Field(description="running statistics, gamma and beta by epoch")

    @model_validator(mode="after")
    def _known(self) -> Self:
        unknown = [
            InitErrorDetails(type="extra_forbidden", loc=(name,), input=schedule)
            for name, schedule in self.__pydantic_extra__.items()
            if name not in PROBES and (schedule is None or schedule.function is None)
        ]
        if unknown:
            raise ValidationError.from_exception_data("Probes", unknown)
        return self

    def schedules(self) -> dict[str, Schedule]:
        """The instruments that are on, by name, in the order of the catalogue; then your own."""
        named = {name: getattr(self, name, None) for name in (*PROBES, *self.__pydantic_extra__)}
        return {name: schedule for name, schedule in named.items() if schedule is not None}


Model = Annotated[Normalised, OneOf("kind", FAMILIES)]
AnyData = Annotated[Data, OneOf("name", DATASETS, which)]
AnyOptimizer = Annotated[Optimizer, OneOf("name", OPTIMIZERS)]


class Logger(Section):
    """Where scalars go besides the record; each needs its extra, e.g. bnexp[tensorboard]."""

    name: Literal["none", "tensorboard", "mlflow", "wandb", "trackio"]
    uri: str | None = Field(description="MLflow server or database; null is in the run's folder")
    project: str = Field(min_length=1, description="MLflow experiment or W&B project")


class Config(Section):
    """One training run."""

    seed: int = Field(ge=0, lt=2**32)
    device: str = Field(description="auto, cpu, cuda, cuda:N or mps")
    precision: Literal["fp32", "bf16", "fp16"]
    compile: bool
    threads: Few | None = Field(description="CPU threads; null is one, or four less than cores")
    deterministic: bool = Field(description="refuse operations without a deterministic version")
    runs_dir: str = Field(min_length=1, description="folder of the records")
    rerun: bool = Field(description="train again what is done")
    progress: bool | None = Field(description="progress bar; null shows it on a terminal")
    workers: Few | None = Field(description="runs at once; null is one per core, or per GPU")
    exclusive: bool = Field(description="let nothing of the sweep run beside this run")
    retry: Literal["failed"] | None = Field(description="what a sweep trains again, besides new")
    on_error: Literal["continue", "stop"] = Field(description="what a failure does to the sweep")
    dry_run: bool = Field(description="say what would be trained, and train nothing; --dry-run")
    live: str | None = Field(min_length=1, description="folder of a page of the sweep; --live")
    sweep: list[dict[str, Any]] = Field(description="grids to train with -m; see README")
    model: Model
    data: AnyData
    optimizer: AnyOptimizer
    training: Training
    probes: Probes
    logger: Logger

    @field_validator("device")
    @classmethod
    def _device(cls, device: str) -> str:
        if not re.fullmatch(r"auto|cpu|cuda(:\d+)?|mps", device):
            raise ValueError("must be auto, cpu, cuda, cuda:N or mps")
        return device


# Keys that cannot change a run's result and so are no part of its identity.
NOT_IDENTITY = (
    "threads", "runs_dir", "rerun", "progress", "data.root", "data.download",
    "model.weights",  # its content is
    "training.checkpoint_seconds", "training.save_weights", "logger",
    "workers", "exclusive", "retry", "on_error", "dry_run", "live", "sweep",
)  # fmt: skip
