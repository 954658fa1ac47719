"""Mean-field predictions of gradient norms at initialisation, for wide fully connected nets.

The ratio is that of the norm of dL/dz in layer l to the one in layer l + 1, z the pre-activation:
above 1 gradients grow towards the input, below 1 they vanish there. It holds in the middle layers
of wide nets, on average over seeds.
"""

import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

Array = NDArray[np.floating]
Function = Callable[[Array], Array]

# name: the activation and its derivative
ACTIVATIONS: dict[str, tuple[Function, Function]] = {
    "identity": (lambda x: x, np.ones_like),
    "relu": (lambda x: np.maximum(x, 0), lambda x: (x > 0).astype(float)),
    "tanh": (np.tanh, lambda x: 1 / np.cosh(x) ** 2),
    "sigmoid": (special.expit, lambda x: special.expit(x) * special.expit(-x)),
    "gelu": (
        lambda x: x * special.ndtr(x),
        lambda x: special.ndtr(x) + x * np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi),
    ),
}
WEIGHT_VARIANCE = {"default": 1 / 3, "xavier": 1.0, "he": 2.0, "orthogonal": 1.0}  # times fan-in
POINTS = 200  # of a quadrature; the smooth activations need far fewer


def _gaussian(f: Function) -> float:
    """E f(xi), xi standard normal."""
    nodes, weights = _hermite()
    return float(weights @ f(nodes) / weights.sum())


@lru_cache
def _hermite() -> tuple[Array, Array]:
    nodes, weights = special.roots_hermitenorm(180)
    return nodes, weights


@lru_cache
def plain_ratio(activation: str, weight_variance: float, bias_variance: float = 0.0) -> float:
    """Without normalisation: sqrt(sw2 E phi'(sqrt(q) xi)^2) at the fixed point q of the variance.

    `weight_variance` is sw2 = fan-in times the variance of a weight. Not finite where the
    activation has no fixed point and the ratio depends on it.
    """
    phi, slope = ACTIVATIONS[activation]
    if activation in ("relu", "identity"):  # the slope does not depend on q
        return math.sqrt(weight_variance * (0.5 if activation == "relu" else 1.0))
    return _fixed_point_ratio(phi, slope, weight_variance, bias_variance)


@lru_cache
def mean_only_ratio(activation: str, weight_variance: float) -> float:
    """Mean-only batch norm before the activation, large batches: q = sw2 Var phi(sqrt(q) xi).

    As without normalisation, but for the mean over the batch, which is taken out of z, and with
    it what biases add. Derived; simulated nets of width 512 with batches of 64 agree within 2%.
    """
    phi, slope = ACTIVATIONS[activation]
    if activation in ("relu", "identity"):
        return plain_ratio(activation, weight_variance)
    return _fixed_point_ratio(phi, slope, weight_variance, centred=True)


@lru_cache
def dyt_ratio(
    activation: str, weight_variance: float, bias_variance: float = 0.0, alpha: float = 0.5
) -> float:
    """Dynamic tanh before the activation: a plain net with the activation phi(tanh(alpha z)).

    Derived; simulated nets of width 512 agree within 2%.
    """
    phi, slope = ACTIVATIONS[activation]
    return _fixed_point_ratio(
        lambda x: phi(np.tanh(alpha * x)),
        lambda x: slope(np.tanh(alpha * x)) * alpha / np.cosh(alpha * x) ** 2,
        weight_variance,
        bias_variance,
    )


def _fixed_point_ratio(
    phi: Function,
    slope: Function,
    weight_variance: float,
    bias_variance: float = 0.0,
    centred: bool = False,
) -> float:
    """sqrt(sw2 E phi'(sqrt(q) xi)^2) where q = sw2 E phi(sqrt(q) xi)^2 + sb2.

    With `centred` the mean of phi is taken out of q.
    """
    root = 1.0
    for _ in range(2000):
        mean = _gaussian(lambda x: phi(root * x)) if centred else 0.0  # noqa: B023
        square = _gaussian(lambda x: phi(root * x) ** 2)  # noqa: B023
        q = weight_variance * max(0.0, square - mean**2) + bias_variance
        before, root = root, math.sqrt(q)
        if not math.isfinite(q) or abs(q - before**2) < 1e-12:
            break
    return math.sqrt(weight_variance * _gaussian(lambda x: slope(root * x) ** 2))


@lru_cache
def batch_norm_ratio(activation: str, batch_size: float) -> float:
    """Batch norm before the activation (arXiv:1902.08129), at any init; batch size 5 or more.

    The expectation over a batch of Gaussian pre-activations involves two of its normalised values
    at a time. Those are coordinates of a uniform vector on a sphere, so a quadrature over two
    dimensions gives it.
    """
    if math.isinf(batch_size):
        phi, slope = ACTIVATIONS[activation]
        if activation == "relu":
            return math.sqrt(math.pi / (math.pi - 1))
        variance = _gaussian(lambda x: phi(x) ** 2) - _gaussian(phi) ** 2
        return math.sqrt(_gaussian(lambda x: slope(x) ** 2) / variance)
    if batch_size < 5:
        raise ValueError("the batch-norm ratio is known for batch sizes of 5 and more")
    return math.sqrt(
        _relu_rate(batch_size) if activation == "relu" else _sphere_rate(activation, batch_size)
    )


def _relu_rate(b: float) -> float:
    """Theorem 8 of arXiv:1902.08129."""
    c = -1 / (b - 1)
    j = (math.sqrt(1 - c * c) + (math.pi - math.acos(c)) * c) / math.pi
    slope = (math.pi - math.acos(c)) / math.pi
    return (slope + b - 1) / ((b - 3) * (1 - j)) - 1 / (b - 3)


def _sphere_rate(activation: str, b: float) -> float:
    """B/((B-3)(B-1)) E[tr(P D G D)] / u, G centring, P centring and taking out x_hat."""
    phi, slope = ACTIVATIONS[activation]
    nodes, legendre = special.roots_legendre(POINTS)
    s = nodes * min(1, 12 / math.sqrt(b))  # beyond, the densities are nothing
    first = legendre * np.exp((b - 4) / 2 * np.log1p(-(s**2)))
    second = legendre * np.exp((b - 5) / 2 * np.log1p(-(s**2)))
    weights = np.outer(first, second) / (first.sum() * second.sum())
    c = -1 / (b - 1)  # correlation of two normalised values
    u, v = s[:, None], np.sqrt(1 - s[:, None] ** 2) * s  # two coordinates on the unit sphere
    x = math.sqrt(b - 1) * (u + 0 * v)
    y = math.sqrt(b - 1) * (c * u + math.sqrt(1 - c * c) * v)

    def mean(f: Array) -> float:
        return float((weights * f).sum())

    dx, dy = slope(x), slope(y)
    own = b * mean(dx**2)  # E tr(D D)
    cross = own + b * (b - 1) * mean(dx * dy)  # E (1' d)^2
    along = b * mean((dx * x) ** 2)
    along_cross = along + b * (b - 1) * mean(dx * dy * x * y)
    trace = own * (1 - 1 / b) - (own - cross / b) / b - (along - along_cross / b) / b
    unbiased = mean(phi(x) ** 2) - mean(phi(x) * phi(y))
    return b / ((b - 3) * (b - 1)) * trace / unbiased


def layer_norm_ratio(activation: str) -> float:
    """Layer norm before the activation: sqrt(E phi'^2 / E phi^2)."""
    phi, slope = ACTIVATIONS[activation]
    if activation == "relu":
        return 1.0
    return math.sqrt(_gaussian(lambda x: slope(x) ** 2) / _gaussian(lambda x: phi(x) ** 2))


def group_norm_ratio(activation: str, channels_per_group: float) -> float:
    """Group norm before the activation: layer norm's times sqrt((g-2)/(g-3)), g above 3."""
    g = channels_per_group
    if g <= 3:
        raise ValueError("the group-norm ratio is known for more than 3 channels a group")
    return layer_norm_ratio(activation) * math.sqrt((g - 2) / (g - 3))


def predicted_ratio(config: Mapping[str, Any]) -> float | None:
    """The prediction for a run's configuration (dotted keys); None where theory has none."""
    activation = config.get("model.activation")
    norm, before = config.get("model.norm"), config.get("model.placement") == "before"
    if config.get("model.kind") != "mlp" or activation not in ACTIVATIONS:
        return None
    if config.get("model.dropout") or (norm != "none" and not before):
        return None
    width = config["model.widths"][-1]
    if norm in ("none", "mean_only", "dyt"):
        variance = WEIGHT_VARIANCE[config["model.init"]] * config["model.init_scale"] ** 2
        bias = _bias_variance(config["model.init"], width)
        if norm == "mean_only":
            return mean_only_ratio(activation, variance)
        if norm == "dyt":
            alpha = config.get("model.norm_options.alpha") or 0.5
            return dyt_ratio(activation, variance, bias, alpha)
        return plain_ratio(activation, variance, bias)
    batch = config.get("model.norm_options.ghost_size") if norm == "ghost" else None
    batch = batch or config["data.batch_size"]
    match norm:
        case "batch" | "batch_manual" | "precise" | "ghost" if batch >= 5:
            return batch_norm_ratio(activation, batch)
        case "layer":
            return layer_norm_ratio(activation)
        case "group":
            channels = width / (config.get("model.norm_options.groups") or 8)
            return group_norm_ratio(activation, channels) if channels > 3 else None
    return None


def _bias_variance(init: str, width: int) -> float:
    return 1 / (3 * width) if init == "default" else 0.0  # PyTorch's biases; others start at 0
