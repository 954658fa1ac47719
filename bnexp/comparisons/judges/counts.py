"""How many statistics, values and parameters a layer has, read off the layer (A12, A14)."""

from collections.abc import Mapping
from math import prod
from typing import Any

from bnexp.comparisons.judges.board import number, right
from bnexp.comparisons.measure import measurements, measures
from bnexp.comparisons.working import Step, Working
from bnexp.report.labels import norm_name
from bnexp.runs.tables import Runs


def channels(inputs: Mapping[str, Any], runs: Runs) -> Working:
    """A12: values per channel and learnt values of BatchNorm2d."""
    n, c, h, w = (int(number(size)) for size in inputs["shape"])
    values = counted(runs, "batch", "values_per_statistic")
    working = f"{n} x {h} x {w} = {prod((n, h, w)):,}"
    lines = inputs["lines"]
    steps = [
        Step(
            "values per channel, of the layer",
            values,
            inputs["values"],
            "N H W",
            working,
            line=lines["values"],
        ),
        Step(
            "channels that are normalised",
            counted(runs, "batch", "statistics"),
            str(c),
            "C",
            line=lines["channels"],
        ),
    ]
    for name in ("gamma", "beta"):
        found = counted(runs, "batch", name)
        label = f"{name}, of the layer"
        steps.append(Step(label, found, inputs[name], "C", line=lines["parameters"]))
    return Working(
        f"The layer normalises {c} channels of {values:,.0f} values: {right(steps)}", tuple(steps)
    )


def techniques(inputs: Mapping[str, Any], runs: Runs) -> Working:
    """A14: statistics that four normalisers compute on one input."""
    n, c, groups = (int(number(inputs[key])) for key in ("samples", "channels", "groups"))
    formulas = {
        "batch": ("C", f"{c}"),
        "layer": ("N", f"{n}"),
        "instance": ("N C", f"{n} x {c} = {n * c}"),
        "group": ("N groups", f"{n} x {groups} = {n * groups}"),
    }
    steps = [
        Step(
            norm_name(norm),
            counted(runs, norm, "statistics"),
            printed,
            *formulas[norm],
            line=inputs["lines"][norm],
        )
        for norm, printed in inputs["statistics"].items()
    ]
    sizes = [
        Step(
            f"{norm_name(norm)}: values per statistic", counted(runs, norm, "values_per_statistic")
        )
        for norm in inputs["statistics"]
    ]
    told = ", ".join(f"{step.label} {step.value:.0f}" for step in steps)
    return Working(f"Counted from the layers: {told}; {right(steps)}", (*steps, *sizes))


def counted(runs: Runs, norm: str, name: str) -> float:
    """One number that the check `counts` read off a layer. Raises ValueError if there is none."""
    found = measures(runs, measurements(runs, "counts", norm=norm), name)["value"].unique()
    if len(found) != 1:
        raise ValueError(f"{norm}: {name} was counted as {list(found)}, one number is needed")
    return float(found[0])
