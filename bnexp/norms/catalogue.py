"""Every normaliser by name: what it is, its options, its layer and its look. Imports no torch.

All that bnexp knows of a normaliser is its entry here and the module that the entry names: the
schema, the command line, the models, `bnexp list`, `bnexp explain` and the figures read this page.
A package of your own adds one with `register`.
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


class PlainBatch(Batch):
    """Batch norm, with where gamma and beta start."""

    initial_scale: float = Field(1.0, description="gamma before training")
    initial_shift: float = Field(0.0, description="beta before training")


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


class MeanOnly(Options):
    """Mean-only batch norm (arXiv:1602.07868)."""

    affine: bool = Field(True, description="learn a shift per channel; there is no scale")
    momentum: float | None = Field(0.1, ge=0, le=1, description="as for batch norm")
    track_running_stats: bool = Field(True, description="as for batch norm")


class DyT(Options):
    """Dynamic tanh (arXiv:2503.10622)."""

    alpha: float = Field(0.5, gt=0, description="initial slope of the tanh; one for the layer")
    affine: bool = Field(True, description="learn a scale and a shift per channel")


class Noisy(Batch):
    """Batch norm followed by noise of another distribution at every step (arXiv:1805.11604)."""

    shift: float = Field(0.5, ge=0, description="a channel's mean noise is drawn from +- this")
    scale: float = Field(1.25, ge=1, description="its mean factor is drawn from 1 to this")
    spread: float = Field(0.1, ge=0, description="spread of noise and factor over single values")


class RecurrentBatch(PerSample):
    """Batch norm on both transforms of an RNN, per-step statistics (arXiv:1603.09025)."""

    momentum: float = Field(0.1, gt=0, le=1, description="as for batch norm")
    gamma: float = Field(0.1, gt=0, description="initial scale; 0.1 in the paper")


class Spectral(Options):
    """Spectral norm (arXiv:1802.05957)."""

    power_iterations: int = Field(1, ge=1, description="power iterations per forward pass")
    eps: float = Field(1e-12, gt=0, description="added to the norms in the power iteration")


Marker = str | tuple[int, int, int]  # matplotlib's


@dataclass(frozen=True)
class NormInfo:
    """One normaliser: what people, the checks, the builder and the figures need to know.

    `layer` is the import path of a class called with (channels, **options); with `on_weights` of
    a function called with (layer, **options), which parametrises that layer's weight.
    """

    summary: str
    options: type[Options] = Options
    layer: str = ""
    label: str = ""  # in figures; empty is the name
    color: str = "#777777"
    marker: Marker = "H"
    dash: str = "long"  # solid, dashed, dash_dot, dotted or long
    family: str = ""  # PyTorch's batch, group or instance norm, whose options mean the same
    batch_statistics: bool = False  # training mode depends on the other samples of the batch
    on_weights: bool = False  # a parametrization of the weight, not a layer
    recurrent_only: bool = False
    needs_space: bool = False  # normalises over space: refuses (N, C)


NORMS: dict[str, NormInfo] = {}  # in the order in which figures draw them


def register(name: str, info: NormInfo) -> None:
    """Add a normaliser for the rest of the process. ValueError where the name is taken."""
    if name in NORMS or name == "keep":
        raise ValueError(f"there is a normaliser {name!r} already")
    NORMS[name] = info


register(
    "none",
    NormInfo(
        "no normalisation",
        layer="torch.nn.Identity",
        label="no norm",
        color="#1b1f24",
        marker="o",
        dash="solid",
    ),
)
register(
    "batch",
    NormInfo(
        "batch norm: statistics of the batch, per channel",
        options=PlainBatch,
        layer="bnexp.norms.layers.BatchNorm",
        label="batch norm",
        color="#0072b2",
        marker="s",
        dash="solid",
        family="batch",
        batch_statistics=True,
    ),
)
register(
    "layer",
    NormInfo(
        "layer norm: statistics of one sample over channels and space",
        options=PerSample,
        layer="bnexp.norms.layers.LayerNorm",
        label="layer norm",
        color="#d55e00",
        marker="^",
        dash="dashed",
    ),
)
register(
    "group",
    NormInfo(
        "group norm: statistics of one sample and group of channels",
        options=Grouped,
        layer="bnexp.norms.layers.GroupNorm",
        label="group norm",
        color="#009e73",
        marker="D",
        dash="dash_dot",
        family="group",
    ),
)
register(
    "instance",
    NormInfo(
        "instance norm: statistics of one sample and channel over space",
        options=Instance,
        layer="bnexp.norms.layers.InstanceNorm",
        label="instance norm",
        color="#cc79a7",
        marker="v",
        dash="dotted",
        family="instance",
        needs_space=True,
    ),
)
register(
    "rms",
    NormInfo(
        "RMS norm: layer norm without centring and without a shift",
        options=RMS,
        layer="bnexp.norms.rms.RMSNorm",
        label="RMS norm",
        color="#e69f00",
        marker="P",
        dash="long",
    ),
)
register(
    "batch_renorm",
    NormInfo(
        "batch renormalisation: batch norm with r and d",
        options=Renorm,
        layer="bnexp.norms.renorm.BatchRenorm",
        label="batch renorm",
        color="#56b4e9",
        marker="X",
        dash="dashed",
        batch_statistics=True,
    ),
)
register(
    "ghost",
    NormInfo(
        "ghost batch norm: statistics of small parts of the batch",
        options=Ghost,
        layer="bnexp.norms.ghost.GhostBatchNorm",
        label="ghost batch norm",
        color="#6a51a3",
        marker="<",
        dash="dash_dot",
        family="batch",
        batch_statistics=True,
    ),
)
register(
    "precise",
    NormInfo(
        "precise batch norm: population statistics re-estimated before evaluation",
        options=Precise,
        layer="bnexp.norms.precise.PreciseBatchNorm",
        label="precise batch norm",
        color="#117733",
        marker=">",
        dash="dotted",
        family="batch",
        batch_statistics=True,
    ),
)
register(
    "batch_manual",
    NormInfo(
        "batch norm written out by hand, backward included",
        options=PlainBatch,
        layer="bnexp.norms.manual.ManualBatchNorm",
        label="batch norm by hand",
        color="#4477aa",
        marker="p",
        dash="long",
        family="batch",
        batch_statistics=True,
    ),
)
register(
    "recurrent_batch",
    NormInfo(
        "batch norm on both transforms of an RNN, per-step statistics",
        options=RecurrentBatch,
        layer="bnexp.norms.recurrent.RecurrentBatchNorm",
        label="recurrent batch norm",
        color="#44aa99",
        marker="h",
        dash="dashed",
        batch_statistics=True,
        recurrent_only=True,
    ),
)
register(
    "mean_only",
    NormInfo(
        "mean-only batch norm: centred by the batch's mean, not divided",
        options=MeanOnly,
        layer="bnexp.norms.mean_only.MeanOnlyBatchNorm",
        label="mean-only batch norm",
        color="#332288",
        marker="8",
        dash="dashed",
        batch_statistics=True,
    ),
)
register(
    "noisy_batch",
    NormInfo(
        "batch norm with a random shift and scale after it, new at every step",
        options=Noisy,
        layer="bnexp.norms.noisy.NoisyBatchNorm",
        label="noisy batch norm",
        color="#661100",
        marker=(6, 1, 0),
        dash="dotted",
        family="batch",
        batch_statistics=True,
    ),
)
register(
    "dyt",
    NormInfo(
        "dynamic tanh: weight tanh(alpha x) + bias, without statistics",
        options=DyT,
        layer="bnexp.norms.dyt.DyT",
        label="DyT",
        color="#aa4499",
        marker=(4, 1, 0),
        dash="long",
    ),
)
register(
    "weight",
    NormInfo(
        "weight norm: w = g v / |v|",
        layer="bnexp.norms.weights.weight_norm",
        label="weight norm",
        color="#882255",
        marker="*",
        dash="dash_dot",
        on_weights=True,
    ),
)
register(
    "spectral",
    NormInfo(
        "spectral norm: w / sigma(w)",
        options=Spectral,
        layer="bnexp.norms.weights.spectral_norm",
        label="spectral norm",
        color="#999933",
        marker="d",
        dash="dotted",
        on_weights=True,
    ),
)
