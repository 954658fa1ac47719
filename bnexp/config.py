"""Every public key of a training run: its type, range, unit and meaning.

The keys of a net stand with its family in `bnexp/models/`, those of data in
`bnexp/data/dataset.py` and with each dataset. The values themselves are the YAML
presets in `conf/`; nothing here has a default, so a run's configuration is exactly what
`bnexp train --cfg job` prints. Imports no torch.
"""

import re
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union

from pydantic import Discriminator, Field, Tag, field_validator

from bnexp.data.dataset import Data, which
from bnexp.data.datasets import DATASETS
from bnexp.models.families import FAMILIES
from bnexp.models.family import Normalised
from bnexp.section import Positive, Rate, Section

Few = Annotated[int, Field(ge=1, le=1024)]  # threads, processes

# ------------------------------------------------------------------------------------ optimizer


class Optimizer(Section):
    """The keys of every optimizer."""

    lr: float = Field(ge=0, description="learning rate")
    weight_decay: float = Field(ge=0)


class SGD(Optimizer):
    """Stochastic gradient descent without momentum."""

    name: Literal["sgd"]


class Momentum(Optimizer):
    """SGD with heavy-ball or Nesterov momentum."""

    name: Literal["momentum", "nesterov"]
    momentum: Annotated[float, Field(gt=0, lt=1)]


class RMSprop(Optimizer):
    """RMSprop."""

    name: Literal["rmsprop"]
    alpha: Rate = Field(description="decay of the squared gradients' average")
    eps: float = Field(gt=0)


class Adam(Optimizer):
    """Adam with L2 regularisation, or AdamW with decoupled weight decay."""

    name: Literal["adam", "adamw"]
    betas: list[Rate] = Field(min_length=2, max_length=2)
    eps: float = Field(gt=0)


# ----------------------------------------------------------------------------- training, probes


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
    accumulate: Positive = Field(description="batches whose gradients are averaged into one step")
    evaluate_every: Positive = Field(description="epochs between evaluations; the last always")
    checkpoint_seconds: float = Field(ge=0, description="time between checkpoints")
    save_weights: bool = Field(description="keep the final weights in weights.pt")


class Schedule(Section):
    """At which steps an instrument records; step 0 is before the first update."""

    every: Positive | None
    at: list[Annotated[int, Field(ge=0)]]
    end: bool = Field(description="also after the last update")


class Probes(Section):
    """The instruments; null switches one off."""

    gradients: Schedule | None = Field(description="norms by layer, of weights and pre-activations")
    activations: Schedule | None = Field(description="mean, std, percentiles, dead and saturated")
    histograms: Schedule | None = Field(description="of the same tensors, 64 bins")
    norms: bool = Field(description="running statistics, gamma and beta by epoch")
    shift: Schedule | None = Field(description="of gradients, when the layers below take a step")
    smoothness: Schedule | None = Field(description="loss and gradient along the gradient")
    companions: Schedule | None = Field(description="what other samples do to one's prediction")


if TYPE_CHECKING:
    Model = Normalised
    AnyData = Data
else:
    _models = tuple(family.options for family in FAMILIES.values())
    Model = Annotated[Union[_models], Field(discriminator="kind")]  # noqa: UP007
    _data = tuple(Annotated[known.options, Tag(name)] for name, known in DATASETS.items())
    AnyData = Annotated[Union[_data], Discriminator(which)]  # noqa: UP007
AnyOptimizer = Annotated[SGD | Momentum | RMSprop | Adam, Field(discriminator="name")]


class Logger(Section):
    """Where scalars go besides the record; each needs its extra, e.g. bnexp[tensorboard]."""

    name: Literal["none", "tensorboard", "mlflow", "wandb"]
    uri: str | None = Field(description="MLflow server or database; null is in the run's folder")
    project: str = Field(min_length=1, description="MLflow experiment or W&B project")


class Config(Section):
    """One training run."""

    seed: int = Field(ge=0, lt=2**32)
    device: str = Field(description="auto, cpu, cuda, cuda:N or mps")
    precision: Literal["fp32", "bf16", "fp16"]
    compile: bool
    threads: Few | None = Field(description="CPU threads; null chooses by model")
    deterministic: bool = Field(description="refuse operations without a deterministic version")
    runs_dir: str = Field(min_length=1, description="folder of the records")
    rerun: bool = Field(description="train again what is done")
    progress: bool | None = Field(description="progress bar; null shows it on a terminal")
    workers: Few | None = Field(description="runs at once; null is one per core, or per GPU")
    exclusive: bool = Field(description="let nothing of the sweep run beside this run")
    retry: Literal["failed"] | None = Field(description="what a sweep trains again, besides new")
    on_error: Literal["continue", "stop"] = Field(description="what a failure does to the sweep")
    dry_run: bool = Field(description="say what would be trained, and train nothing; --dry-run")
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
    "workers", "exclusive", "retry", "on_error", "dry_run", "sweep",
)  # fmt: skip
