"""The transcript printed under the hand-written layer of section 6 (A11)."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from bnexp.comparisons.judges.board import (
    EPS,
    explained,
    mean,
    normalised,
    number,
    numbers,
    right,
    root,
    shown,
    variance,
)
from bnexp.comparisons.working import Step, Working
from bnexp.runs.tables import Runs

MOMENTUM = 0.1  # of the newest batch, as in the source's layer


def layer(inputs: Mapping[str, Any], runs: Runs) -> Working:
    """A11: every number of the transcript, recomputed from its printed input.

    The layer normalises by 1/B and keeps that variance; the transcript prints stds by 1/(B - 1).
    """
    x = np.array([numbers(row) for row in inputs["x"]])
    test = numbers(inputs["test"])
    parts: dict[str, list[Step]] = {
        name: []
        for name in (
            "input mean", "input std", "output", "output mean", "output std",
            "running mean", "running var", "inference output",
        )
    }  # fmt: skip
    for k, feature in enumerate(x.T):
        name = f"feature {k + 1}"
        mu, var = float(feature.mean()), float(feature.var())
        printed = {key: inputs[key][k] for key in ("mean", "std", "running_mean", "running_var")}
        centre, std = number(printed["mean"]), number(printed["std"])
        parts["input mean"].append(mean(f"input mean, {name}", feature, printed["mean"]))
        by_b = root(f"input std by 1/B, {name}", variance("", feature))
        by_b1 = variance("", feature, ddof=1)
        parts["input std"] += [
            explained(root(f"input std, {name}", by_b1, printed["std"]), {"by 1/B": by_b.value}),
            by_b,
        ]
        column = [row[k] for row in inputs["output"]]
        outputs = [
            explained(
                normalised(f"output {i}, {name}", x_i, mu, var, text),
                {"(x - mean) / the printed std": (x_i - centre) / std},
            )
            for i, (x_i, text) in enumerate(zip(feature, column, strict=True), 1)
        ]
        parts["output"] += outputs
        y = np.array([step.value for step in outputs])
        zero = mean(f"output mean, {name}", y)
        parts["output mean"].append(replace(zero, value=round(zero.value, 12)))
        parts["output std"].append(_output_std(name, len(y), var, inputs["output_std"][k]))
        parts["running mean"].append(_running_mean(name, mu, printed["running_mean"], centre))
        parts["running var"].append(_running_var(name, var, printed["running_var"], std))
        parts["inference output"] += _inference(
            name, test[k], printed, inputs["test_output"][k], mu, var
        )
    steps = [step for found in parts.values() for step in found]
    return Working(
        f"Recomputed from the transcript's own input, {right(steps)}",
        tuple(steps),
        (*(f"{name}: {right(found)}." for name, found in parts.items() if _is_printed(found)),
         *_output_notes(inputs, x)),
    )  # fmt: skip


def _is_printed(steps: list[Step]) -> bool:
    return any(step.printed is not None for step in steps)


def _output_std(name: str, size: int, var: float, printed: str) -> Step:
    """The std by 1/(B - 1), with which the source prints it, of values normalised by 1/B."""
    shrunk = float(np.sqrt(var / (var + EPS)))
    value = float(np.sqrt(size / (size - 1))) * shrunk
    step = Step(
        f"output std, {name}",
        value,
        printed,
        "sqrt(B / (B - 1)) sqrt(var / (var + eps))",
        f"sqrt({size} / {size - 1}) x sqrt({shown(var)} / ({shown(var)} + {EPS:g})) = "
        f"{shown(value)}",
    )
    return explained(step, {"the std by 1/B": shrunk})


def _running_mean(name: str, mu: float, printed: str, centre: float) -> Step:
    value = MOMENTUM * mu
    step = Step(
        f"running mean, {name}",
        value,
        printed,
        "0.9 x 0 + 0.1 x mean",
        f"0.9 x 0 + 0.1 x {shown(mu)} = {shown(value)}",
    )
    return explained(step, {"0.1 x the printed, rounded mean": MOMENTUM * centre})


def _running_var(name: str, var: float, printed: str, std: float) -> Step:
    value = 1 - MOMENTUM + MOMENTUM * var
    step = Step(
        f"running var, {name}",
        value,
        printed,
        "0.9 x 1 + 0.1 x variance by 1/B",
        f"0.9 x 1 + 0.1 x {shown(var)} = {shown(value)}",
    )
    mistaken = {
        "0.9 + 0.1 x the printed std^2": 0.9 + 0.1 * std**2,
        "0.9 + 0.1 x the printed std": 0.9 + 0.1 * std,
        "0.99 + 0.01 x the printed std^2": 0.99 + 0.01 * std**2,
        "1 + 0.01 x the printed std^2": 1 + 0.01 * std**2,
    }
    return explained(step, mistaken)


def _inference(
    name: str, x: float, printed: Mapping[str, str], output: str, mu: float, var: float
) -> list[Step]:
    """By the printed running statistics, and by the right ones."""
    running_mean, running_var = number(printed["running_mean"]), number(printed["running_var"])
    step = normalised(f"inference output, {name}", x, running_mean, running_var, output)
    mistaken = {"(x - mean) / var": (x - running_mean) / running_var}
    label = f"inference output by the right running statistics, {name}"
    right_mean, right_var = MOMENTUM * mu, 1 - MOMENTUM + MOMENTUM * var
    return [explained(step, mistaken), normalised(label, x, right_mean, right_var)]


def _output_notes(inputs: Mapping[str, Any], x: np.ndarray) -> tuple[str, ...]:
    """What the printed outputs are by themselves."""
    y = np.array([numbers(row) for row in inputs["output"]])
    by_std = (x - numbers(inputs["mean"])) / numbers(inputs["std"])
    largest = float(np.abs(by_std - y).max())
    biased, unbiased = (
        ", ".join(shown(s) for s in y.std(0, ddof=ddof).round(4)) for ddof in (0, 1)
    )
    return (
        f"The printed outputs lie within {shown(round(largest, 4))} of (x - mean) / the printed "
        "std, not of what the layer computes, which divides by the std by 1/B.",
        f"The stds of the printed outputs are {biased} by 1/B and {unbiased} by 1/(B - 1), not "
        "1.0000 by either.",
        f"The printed output means {', '.join(inputs['output_mean'])} are 0 but for the rounding "
        "of single precision, and are not judged.",
    )
