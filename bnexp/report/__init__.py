"""Runs -> figures, tables and one HTML page. Reads records only, imports no torch.

In a notebook, each figure is a function of a folder of records, of what `bnexp.load_runs`
returned, or of arms found with `find_arms`; the figure that it returns shows itself:

    from bnexp.report import convergence, find_arms
    convergence("runs")
    arms = find_arms("runs", by=["model.norm"], where=["data.name=digits"])
    convergence(arms).save(Path("convergence.svg"))

`chart.table` holds the numbers drawn, `chart.finding` and `chart.method` the words.
"""

from typing import TYPE_CHECKING

from bnexp.lazy import names_from

if TYPE_CHECKING:
    from bnexp.report.arms import find_arms as find_arms
    from bnexp.report.build import write_report as write_report
    from bnexp.report.figures.convergence import convergence as convergence
    from bnexp.report.figures.cost import cost as cost
    from bnexp.report.figures.drift import drift as drift
    from bnexp.report.figures.gap import gap as gap
    from bnexp.report.figures.gradient_map import gradient_map as gradient_map
    from bnexp.report.figures.gradients import gradients as gradients
    from bnexp.report.figures.histograms import histograms as histograms
    from bnexp.report.figures.learning_rate import learning_rate as learning_rate
    from bnexp.report.figures.percentiles import percentiles as percentiles
    from bnexp.report.figures.sensitivity import batch_size as batch_size
    from bnexp.report.figures.sensitivity import sensitivity as sensitivity

_FIGURES = "bnexp.report.figures"
__getattr__ = names_from(
    __name__,
    {
        "write_report": "bnexp.report.build",
        "find_arms": "bnexp.report.arms",
        "convergence": f"{_FIGURES}.convergence",
        "cost": f"{_FIGURES}.cost",
        "drift": f"{_FIGURES}.drift",
        "gap": f"{_FIGURES}.gap",
        "gradient_map": f"{_FIGURES}.gradient_map",
        "gradients": f"{_FIGURES}.gradients",
        "histograms": f"{_FIGURES}.histograms",
        "learning_rate": f"{_FIGURES}.learning_rate",
        "percentiles": f"{_FIGURES}.percentiles",
        "batch_size": f"{_FIGURES}.sensitivity",
        "sensitivity": f"{_FIGURES}.sensitivity",
    },
)
