"""Every figure by name. Imports no matplotlib, so that help answers at once.

A figure is a function from runs to a Chart in a module of its own, and a line here; a plugin
(`bnexp.plugins`) adds its own with `add_figure`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from bnexp.plugins import load_plugins

if TYPE_CHECKING:
    from bnexp.report.arms import Source
    from bnexp.report.chart import Chart

ARMS, NUMBER, EVERY = "arms", "number", "every"


@dataclass(frozen=True)
class Option:
    """A keyword of a figure: what it is called, what it takes, and a line for people."""

    name: str
    help: str
    kind: type = str
    required: bool = False


@dataclass(frozen=True)
class Figure:
    """A line for people, the module that holds the function of the figure's name, its options.

    `of` says what a report draws it of: ARMS, a key of the configuration (where that is swept),
    NUMBER (every swept number that no figure has for itself) or EVERY (every swept number).
    """

    summary: str
    module: str
    options: Sequence[Option] = ()
    of: str = ARMS


_OURS = "bnexp.report.figures"
_TARGET = Option("target", "validation accuracy to reach, e.g. 0.9", float)
_KEY = Option("key", "the number on the x-axis, e.g. model.depth", required=True)
_TENSOR = Option("tensor", "pre_activation, activation or input")

FIGURES = {
    "convergence": Figure(
        "loss and accuracy by step, epoch and second", f"{_OURS}.convergence", [_TARGET]
    ),
    "learning_rate": Figure(
        "accuracy and stable runs, by learning rate", f"{_OURS}.learning_rate", of="optimizer.lr"
    ),
    "batch_size": Figure(
        "accuracy by batch size, training and evaluation mode", f"{_OURS}.sensitivity",
        of="data.batch_size",
    ),
    "sensitivity": Figure(
        "the same by any number of the configuration", f"{_OURS}.sensitivity", [_KEY], NUMBER
    ),
    "by_value": Figure(
        "curve, activations and gradients, a row a value of any number", f"{_OURS}.by_value",
        [_KEY], EVERY,
    ),
    "gap": Figure("training against test accuracy", f"{_OURS}.gap"),
    "gradients": Figure("gradient norms by layer, with mean-field theory", f"{_OURS}.gradients"),
    "gradient_map": Figure("gradient norms by layer and step", f"{_OURS}.gradient_map"),
    "histograms": Figure(
        "activation histograms by layer and step", f"{_OURS}.histograms", [_TENSOR]
    ),
    "percentiles": Figure(
        "activation percentiles through training", f"{_OURS}.percentiles", [_TENSOR]
    ),
    "drift": Figure("mean and std of what each layer receives", f"{_OURS}.drift"),
    "cost": Figure("time and memory", f"{_OURS}.cost"),
}  # fmt: skip


def add_figure(name: str, figure: Figure) -> None:
    """Add a figure: it is then drawn by `bnexp plot NAME`, and in every report."""
    FIGURES[name] = figure


def figures() -> dict[str, Figure]:
    """Every figure, plugins' included."""
    load_plugins()
    return FIGURES


def draw(name: str, source: "Source", **options: Any) -> "Chart":
    """Draw the figure `name`."""
    module = import_module(figures()[name].module)
    chart: Chart = getattr(module, name)(source, **options)
    return chart
