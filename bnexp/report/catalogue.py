"""Every figure by name. Imports no matplotlib, so that help answers at once."""

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bnexp.report.arms import Source
    from bnexp.report.chart import Chart


@dataclass(frozen=True)
class Figure:
    """A line for people, and where the function is."""

    summary: str
    module: str
    options: tuple[str, ...] = ()


FIGURES = {
    "convergence": Figure(
        "loss and accuracy by step, epoch and second", "convergence", ("target",)
    ),
    "gap": Figure("training against test accuracy", "gap"),
    "learning_rate": Figure("accuracy and runs that trained, by learning rate", "learning_rate"),
    "batch_size": Figure("accuracy by batch size, training and evaluation mode", "sensitivity"),
    "sensitivity": Figure("the same by any number of the configuration", "sensitivity", ("key",)),
    "gradients": Figure("gradient norms by layer, with mean-field theory", "gradients"),
    "gradient_map": Figure("gradient norms by layer and step", "gradient_map"),
    "histograms": Figure("activation histograms by layer and step", "histograms", ("tensor",)),
    "percentiles": Figure("activation percentiles through training", "percentiles", ("tensor",)),
    "drift": Figure("mean and std of what each layer receives", "drift"),
    "cost": Figure("time and memory", "cost"),
}


def draw(name: str, source: "Source", **options: Any) -> "Chart":
    """Draw the figure `name`."""
    module = import_module(f"bnexp.report.figures.{FIGURES[name].module}")
    chart: Chart = getattr(module, name)(source, **options)
    return chart
