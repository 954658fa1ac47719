"""Runs -> figures, tables and one HTML page. Reads records only, imports no torch.

In a notebook, each figure is a function of a folder of records, of what `bnexp.load_runs`
returned, or of arms found with `find_arms`; the figure that it returns shows itself:

    from bnexp.report import convergence, find_arms
    convergence("runs")
    arms = find_arms("runs", by=["model.norm"], where=["data.name=digits"])
    convergence(arms).save(Path("convergence.svg"))

`chart.table` holds the numbers drawn, `chart.finding` and `chart.method` the words;
`results_table` is the table of arms. `dir(bnexp.report)` lists the figures.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "write_report": "bnexp.report.build",
    "find_arms": "bnexp.report.arms",
    "results_table": "bnexp.report.table",
}


def _homes() -> dict[str, str]:
    from bnexp.report.catalogue import figures

    return _HOMES | {name: figure.module for name, figure in figures().items()}


def __getattr__(name: str) -> Any:
    homes = {} if name.startswith("_") else _homes()
    if name not in homes:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(homes[name]), name)


def __dir__() -> list[str]:
    return sorted(_homes())
