"""Every normaliser by name: what it is, and which options it takes. Imports no torch.

The layers themselves are in the modules beside this one; this page is what the schema, the
command line and `bnexp list` read.
"""

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field


class Options(BaseModel):
    """The options of one family of normalisers; every key can be set on the command line."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class PerSample(Options):
    """Statistics of one sample: layer norm."""

    eps: float = Field(1e-5, gt=0, description="added to the variance")
    affine: bool = Field(True, description="learn a scale and a shift per channel")


class RMS(Options):
    """RMS norm (arXiv:1910.07467)."""

    eps: float = Field(1e-5, gt=0, description="added to the mean square")
    affine: bool = Field(True, description="learn a scale per channel; there is no shift")


class Grouped(PerSample):
    """Group norm."""

    groups: int = Field(8, ge=1, description="groups of channels; must divide the channels")


class Batch(PerSample):
    """Batch norm, as in torch.nn.BatchNorm1d/2d/3d."""

    momentum: float | None = Field(
        0.1, ge=0, le=1, description="weight of the newest batch in the running statistics"
    )
    track_running_stats: bool = Field(
        True, description="keep running statistics and use them in evaluation"
    )


class Instance(Batch):
    """Instance norm, as in torch.nn.InstanceNorm1d/2d/3d but affine by default."""

    track_running_stats: bool = Field(False, description="as for batch norm")


class Ghost(Batch):
    """Ghost batch norm (arXiv:1705.08741)."""

    ghost_size: int = Field(16, ge=1, description="samples that share their statistics")


class Precise(Batch):
    """Precise batch norm (arXiv:2105.07576)."""

    samples: int = Field(2048, ge=2, description="training samples for the population statistics")


class Renorm(PerSample):
    """Batch renormalisation (arXiv:1702.03275)."""

    momentum: float = Field(0.01, gt=0, le=1, description="the paper's alpha")
    r_max: float = Field(3.0, ge=1, description="r is clipped to [1/r_max, r_max]")
    d_max: float = Field(5.0, ge=0, description="d is clipped to [-d_max, d_max]")
    warmup_steps: int = Field(200, ge=0, description="steps of plain batch norm at first")
    ramp_steps: int = Field(800, ge=0, description="steps over which the clips open")


class RecurrentBatch(PerSample):
    """Batch norm on both transforms of an RNN, per-step statistics (arXiv:1603.09025)."""

    momentum: float = Field(0.1, gt=0, le=1, description="as for batch norm")
    gamma: float = Field(0.1, gt=0, description="initial scale; 0.1 in the paper")


class Spectral(Options):
    """Spectral norm (arXiv:1802.05957)."""

    power_iterations: int = Field(1, ge=1, description="power iterations per forward pass")
    eps: float = Field(1e-12, gt=0, description="added to the norms in the power iteration")


@dataclass(frozen=True)
class NormInfo:
    """One normaliser: a line for people, its options, and what the checks need to know."""

    summary: str
    options: type[Options] = Options
    batch_statistics: bool = False  # training mode depends on the other samples of the batch
    on_weights: bool = False  # a parametrization of the weight, not a layer
    recurrent_only: bool = False
    needs_space: bool = False  # normalises over space: refuses (N, C)


NORMS: dict[str, NormInfo] = {
    "none": NormInfo("no normalisation"),
    "batch": NormInfo("batch norm: statistics of the batch, per channel", Batch, True),
    "batch_manual": NormInfo("batch norm written out by hand, backward included", Batch, True),
    "batch_renorm": NormInfo("batch renormalisation: batch norm with r and d", Renorm, True),
    "ghost": NormInfo("ghost batch norm: statistics of small parts of the batch", Ghost, True),
    "precise": NormInfo(
        "precise batch norm: population statistics re-estimated before evaluation", Precise, True
    ),
    "recurrent_batch": NormInfo(
        "batch norm on both transforms of an RNN, per-step statistics",
        RecurrentBatch,
        batch_statistics=True,
        recurrent_only=True,
    ),
    "layer": NormInfo("layer norm: statistics of one sample over channels and space", PerSample),
    "group": NormInfo("group norm: statistics of one sample and group of channels", Grouped),
    "instance": NormInfo(
        "instance norm: statistics of one sample and channel over space",
        Instance,
        needs_space=True,
    ),
    "rms": NormInfo("RMS norm: layer norm without centring and without a shift", RMS),
    "weight": NormInfo("weight norm: w = g v / |v|", on_weights=True),
    "spectral": NormInfo("spectral norm: w / sigma(w)", Spectral, on_weights=True),
}
