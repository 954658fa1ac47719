"""A small batch worked through a normaliser, as a page: `bnexp explain NORM --open`.

Every number is the real layer's. All positions of the slider are in the page, the middle one shown;
a few lines of script show another.
"""

import copy
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any, Literal

import jinja2
import torch
from torch import Tensor, nn

from bnexp.errors import UserError
from bnexp.norms.catalogue import NORMS
from bnexp.norms.make import attach_norm, make_norm

BATCHES = (1, 2, 3, 4, 6, 8)
SHOWN = 4  # the position that stands without script
SEEN = 20  # batches of so many before evaluation, for running statistics
SMALL = {"groups": 2, "ghost_size": 2}  # options that fit so few channels and samples
FLAT, SPATIAL = (6,), (2, 3)  # channels, and values of one in space
Mode = Literal["training", "evaluation"]


@dataclass(frozen=True)
class Value:
    """A number, with the letter of the statistic that it is part of."""

    number: float
    letter: str = ""


@dataclass(frozen=True)
class Step:
    """A table on the way through the layer: a row of values for each sample."""

    title: str
    rows: list[list[Value]]


@dataclass(frozen=True)
class Statistic:
    """What the values of one letter come to."""

    letter: str
    values: int
    mean: float
    variance: float  # biased
    square: float  # mean of the squares


@dataclass
class Panel:
    """One position of the slider in one mode."""

    batch: int
    mode: Mode
    refusal: str = ""
    statistics: list[Statistic] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    vectors: dict[str, list[float]] = field(default_factory=dict)  # by channel


@dataclass(frozen=True)
class Page:
    """All of it."""

    norm: str
    summary: str
    columns: list[str]
    panels: list[Panel]
    kind: str = "sample"

    def html(self) -> str:
        """The page, whole in itself."""
        shown = SHOWN if any(panel.batch == SHOWN for panel in self.panels) else None
        batches = sorted({panel.batch for panel in self.panels})
        text: str = _template().render(page=self, batches=batches, shown=shown or batches[0])
        return text


def page(norm: str, options: dict[str, Any]) -> Page:
    """The page of a normaliser: a name of the catalogue, or a class of the user's."""
    info = NORMS.get(norm)
    summary = info.summary if info else ""
    if info and info.on_weights:
        return _of_weights(norm, summary, options)
    if info:
        known = info.options.model_fields
        options = {key: value for key, value in SMALL.items() if key in known} | options
    sizes = SPATIAL if info and info.needs_space else FLAT
    groups = options.get("groups")
    if isinstance(groups, int) and groups > 0 and sizes[0] % groups:
        sizes = (2 * groups, *sizes[1:])
    columns = [
        f"channel {c + 1}" + (f", place {place[0] + 1}" if place else "")
        for c, *place in product(*map(range, sizes))
    ]
    panels = [
        _panel(norm, options, sizes, batch, mode)
        for batch in BATCHES
        for mode in ("training", "evaluation")
    ]
    if all(panel.refusal for panel in panels):
        raise UserError(f"norm={norm}: {panels[0].refusal}")
    return Page(norm, summary, columns, panels)


def batch_of(samples: int, sizes: tuple[int, ...], seed: int = 0) -> Tensor:
    """Values with one decimal, (samples, *sizes): channels of different means and spreads."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn((max(BATCHES), *sizes), generator=generator, dtype=torch.float64)
    channel = torch.arange(sizes[0], dtype=torch.float64).view(-1, *[1] * (len(sizes) - 1))
    return ((x * (1 + channel / 2) + 2 - channel) * 10).round()[:samples] / 10


def arriving(samples: int, sizes: tuple[int, ...]) -> Tensor:
    """The gradient that comes back from the loss, (samples, *sizes)."""
    generator = torch.Generator().manual_seed(1)
    drawn = torch.randn((max(BATCHES), *sizes), generator=generator, dtype=torch.float64)
    return (drawn * 10).round()[:samples] / 10


def made(norm: str, channels: int, options: dict[str, Any], affine: bool) -> nn.Module:
    """The layer; with `affine` gamma and beta have values of their own, else 1 and 0."""
    layer = make_norm(norm, channels, **options).double()
    for name, first, step in (("weight", 1.0, 0.5), ("bias", 0.0, 0.5)):
        parameter = getattr(layer, name, None)
        if isinstance(parameter, nn.Parameter) and parameter.shape == (channels,):
            drawn = first + step * torch.arange(channels) if affine else torch.full((), first)
            nn.init.zeros_(parameter).data.add_(drawn)
    return layer


def _panel(
    norm: str, options: dict[str, Any], sizes: tuple[int, ...], batch: int, mode: Mode
) -> Panel:
    panel = Panel(batch, mode)
    x, gradient = batch_of(batch, sizes), arriving(batch, sizes)
    try:
        plain, layer = (_ready(norm, options, sizes, mode, on) for on in (False, True))
        torch.manual_seed(0)
        parts = dependence(copy.deepcopy(layer), x)
        normalised = _forward(copy.deepcopy(plain), x)
        before = {name: buffer.tolist() for name, buffer in layer.named_buffers() if buffer.ndim}
        seen = x.clone().requires_grad_()
        output = _forward(layer, seen)
        output.backward(gradient)
    except Exception as error:  # what the layer says of a batch that it cannot work on
        panel.refusal = (str(error) or type(error).__name__).partition("\n")[0]
        return panel
    assert seen.grad is not None
    letters, panel.statistics = _statistics(parts, x)
    panel.steps = [_step("input x", x, letters)]
    if not torch.equal(normalised, output.detach()):
        panel.steps.append(_step("normalised: \N{GREEK SMALL LETTER GAMMA} = 1, "
                                 "\N{GREEK SMALL LETTER BETA} = 0", normalised))  # fmt: skip
    panel.steps += [
        _step("output y", output.detach()),
        _step("gradient that arrives at y", gradient),
        _step("gradient that goes on to x", seen.grad),
    ]
    panel.vectors = {name: parameter.tolist() for name, parameter in layer.named_parameters()
                     if parameter.ndim == 1}  # fmt: skip
    panel.vectors |= {
        f"gradient of {name}": parameter.grad.tolist()
        for name, parameter in layer.named_parameters()
        if parameter.ndim == 1 and parameter.grad is not None
    }
    for name, buffer in layer.named_buffers():
        if buffer.ndim == 1:
            if mode == "training":
                panel.vectors[f"{name} before"] = before[name]
            panel.vectors[name if mode == "evaluation" else f"{name} after"] = buffer.tolist()
    return panel


def _ready(
    norm: str, options: dict[str, Any], sizes: tuple[int, ...], mode: Mode, affine: bool
) -> nn.Module:
    """The layer in its mode; before evaluation it has seen batches of four in training."""
    layer = made(norm, sizes[0], options, affine)
    if mode == "evaluation":
        torch.manual_seed(0)
        for seed in range(SEEN):
            _forward(layer, batch_of(SHOWN, sizes, seed=2 + seed))
    return layer.train(mode == "training")


def _forward(layer: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    torch.manual_seed(0)  # of noise
    return layer(x)


def dependence(layer: Callable[[Tensor], Tensor], x: Tensor) -> list[frozenset[int]]:
    """For each value of the output the places of the input that it depends on."""
    x = x.clone().requires_grad_()
    found = []
    for value in _forward(layer, x).flatten():
        (gradient,) = torch.autograd.grad(
            value, x, retain_graph=True, allow_unused=True, materialize_grads=True
        )
        found.append(frozenset(gradient.flatten().nonzero().flatten().tolist()))
    return found


def _names() -> Iterator[str]:
    for length in (1, 2):
        for letters in product(string.ascii_lowercase, repeat=length):
            yield "".join(letters)


def _statistics(parts: list[frozenset[int]], x: Tensor) -> tuple[list[str], list[Statistic]]:
    """The letter of each value, and what the values of each letter come to.

    Values whose output depends on nothing else share no statistic and have no letter.
    """
    known: dict[frozenset[int], str] = {}
    names = _names()
    for part in parts:
        if len(part) > 1 and part not in known:
            known[part] = next(names)
    flat = x.flatten()
    found = []
    for part, letter in known.items():
        mine = flat[sorted(part)]
        mean, square = float(mine.mean()), float(mine.square().mean())
        variance = float(mine.var(correction=0))
        found.append(Statistic(letter, len(part), mean, variance, square))
    return [known.get(part, "") for part in parts], found


def _step(title: str, values: Tensor, letters: list[str] | None = None) -> Step:
    flat = values.flatten(1)
    named = iter(letters or [""] * flat.numel())
    return Step(title, [[Value(number, next(named)) for number in row] for row in flat.tolist()])


def _of_weights(norm: str, summary: str, options: dict[str, Any]) -> Page:
    """Norms on a layer's weights: no batch enters."""
    inputs, outputs = FLAT[0], 3
    torch.manual_seed(0)
    linear = attach_norm(nn.Linear(inputs, outputs), norm, outputs, **options)[0].double().eval()
    parametrization = linear.get_submodule("parametrizations.weight.0")
    *others, _ = linear.get_submodule("parametrizations.weight").parameters()

    def normalise(weight: Tensor) -> Tensor:
        normalised: Tensor = parametrization(*others, weight)
        return normalised

    weight, gradient = batch_of(outputs, FLAT), arriving(outputs, FLAT)
    letters, statistics = _statistics(dependence(normalise, weight), weight)
    seen = weight.clone().requires_grad_()
    output = normalise(seen)
    output.backward(gradient)
    assert seen.grad is not None
    panel = Panel(
        outputs, "training", "", statistics,
        [
            _step("weight v", weight, letters),
            _step("normalised weight w", output.detach()),
            _step("gradient that arrives at w", gradient),
            _step("gradient that goes on to v", seen.grad),
        ],
    )  # fmt: skip
    return Page(norm, summary, [f"input {i + 1}" for i in range(inputs)], [panel], "output")


@lru_cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    environment.filters["shown"] = _shown
    return environment.from_string(
        Path(__file__).with_name("explain_page.html.j2").read_text(encoding="utf-8")
    )


def _shown(value: float) -> str:
    """Two decimals, zero without a sign; what is smaller in powers of ten."""
    if value and abs(value) < 0.005:
        return f"{value:.0e}".replace("-", "\N{MINUS SIGN}")
    return f"{value or 0.0:.2f}".replace("-", "\N{MINUS SIGN}")  # -0.0 is 0
