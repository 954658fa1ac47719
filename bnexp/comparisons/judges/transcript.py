"""The transcript printed under the hand-written layer of section 6 (A11)."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from bnexp.comparisons.judges.board import (
    EPS,
    Numbers,
    explained,
    mean,
    normalised,
    number,
    numbers,
    right,
    root,
    shown,
    stated,
    variance,
)
from bnexp.comparisons.measure import measurements, measures
from bnexp.comparisons.working import Step, Working, step_verdict
from bnexp.report.labels import listed
from bnexp.runs.tables import Runs

MOMENTUM = 0.1  # of the newest batch, as in the source's layer
HALF = 5e-5  # of the last printed digit of the input
SAMPLES = 100_000  # inputs drawn among those that print as the source's


def layer(inputs: Mapping[str, Any], runs: Runs) -> Working:
    """A11: every number of the transcript, recomputed from its printed input.

    The layer normalises by 1/B and keeps that variance; the transcript prints stds by 1/(B - 1).
    The input is printed to four digits: a number is an erratum only where no input that prints so
    gives it. The measurement `random_stream` tells which rows a seed of PyTorch's draws.
    """
    x = np.array([numbers(row) for row in inputs["x"]])
    test, lines = numbers(inputs["test"]), inputs["lines"]
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
        found = mean(f"input mean, {name}", feature, printed["mean"], line=lines["mean"])
        parts["input mean"].append(within_reach(found, feature, lambda f: f.mean(-1)))
        by_b = root(f"input std by 1/B, {name}", variance("", feature))
        by_b1 = variance("", feature, ddof=1)
        parts["input std"] += [
            explained(
                within_reach(
                    root(f"input std, {name}", by_b1, printed["std"], line=lines["std"]),
                    feature,
                    lambda f: f.std(-1, ddof=1),
                ),
                {"by 1/B": by_b.value},
            ),
            by_b,
        ]
        column = [row[k] for row in inputs["output"]]
        outputs = [
            explained(
                within_reach(
                    normalised(f"output {i}, {name}", x_i, mu, var, text, lines["output"] + i - 1),
                    feature,
                    partial(_output, i - 1),
                ),
                {"(x - mean) / the printed std": (x_i - centre) / std},
            )
            for i, (x_i, text) in enumerate(zip(feature, column, strict=True), 1)
        ]
        parts["output"] += outputs
        y = np.array([step.value for step in outputs])
        zero = mean(f"output mean, {name}", y)
        parts["output mean"].append(replace(zero, value=round(zero.value, 12)))
        found = _output_std(name, len(y), var, inputs["output_std"][k])
        found = within_reach(found, feature, lambda f: standardised(f).std(-1, ddof=1))
        parts["output std"].append(replace(found, line=lines["output_std"]))
        found = _running_mean(name, mu, printed["running_mean"], centre)
        found = within_reach(found, feature, lambda f: MOMENTUM * f.mean(-1))
        parts["running mean"].append(replace(found, line=lines["running_mean"]))
        found = _running_var(name, var, printed["running_var"], std)
        found = within_reach(found, feature, lambda f: 1 - MOMENTUM + MOMENTUM * f.var(-1))
        parts["running var"].append(replace(found, line=lines["running_var"]))
        first, *more = _inference(name, test[k], printed, inputs["test_output"][k], mu, var)
        parts["inference output"] += [replace(first, line=lines["test_output"]), *more]
    steps = [step for found in parts.values() for step in found]
    return Working(
        f"Recomputed from the transcript's own input, {right(steps)}",
        tuple(steps),
        (*(f"{name}: {right(found)}." for name, found in parts.items() if _is_printed(found)),
         *_output_notes(inputs, x), *_reach_notes(steps, x), *_stream_notes(inputs, runs)),
    )  # fmt: skip


def _output(sample: int, features: Numbers) -> Numbers:
    return np.asarray(standardised(features)[..., sample])


def standardised(feature: Numbers) -> Numbers:
    """What the layer makes of (..., B) values in training."""
    centre, var = feature.mean(-1, keepdims=True), feature.var(-1, keepdims=True)
    return np.asarray((feature - centre) / np.sqrt(var + EPS))


def within_reach(step: Step, feature: Numbers, function: Callable[[Numbers], Numbers]) -> Step:
    """The step with the range of `function` over all values that print as `feature` does.

    The range is that over the corners of the box of such values: the box is so small that the
    functions here run one way along every side of it.
    """
    corners = feature + HALF * np.array(list(product((-1.0, 1.0), repeat=len(feature))))
    values = function(corners)
    reaching = replace(step, reach=(float(values.min()), float(values.max())))
    return reaching if step_verdict(reaching) == "erratum" else replace(reaching, explains="")


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
    """The outputs in evaluation, by the printed running statistics and by the right ones."""
    running_mean, running_var = number(printed["running_mean"]), number(printed["running_var"])
    step = normalised(f"inference output, {name}", x, running_mean, running_var, output)
    mistaken = {"(x - mean) / var": (x - running_mean) / running_var}
    label = f"inference output by the right running statistics, {name}"
    right_mean, right_var = MOMENTUM * mu, 1 - MOMENTUM + MOMENTUM * var
    return [explained(step, mistaken), normalised(label, x, right_mean, right_var)]


def _reach_notes(steps: list[Step], x: Numbers) -> tuple[str, ...]:
    """Which numbers only follow from other digits of the input, and from how many completions."""
    rng = np.random.default_rng(0)
    notes = []
    for step in steps:
        if step.excuse and step.label.startswith("running mean"):
            feature = x[:, int(step.label.rpartition(" ")[2]) - 1]
            drawn = MOMENTUM * (feature + rng.uniform(-HALF, HALF, (SAMPLES, len(feature)))).mean(1)
            share = (abs(drawn - step.printed_value) <= 0.5 * step.last_digit).mean()
            notes.append(
                f"The printed {step.label}, {step.printed}, is given by {share:.0%} of the inputs "
                "that print as the one shown."
            )
    return tuple(notes)


def _stream_notes(inputs: Mapping[str, Any], runs: Runs) -> tuple[str, ...]:
    """Which rows of the input are the first draws of a seeded generator."""
    rows = measurements(runs, "random_stream")
    if not len(rows):
        return ()
    seed = rows["check.options.random_seed"].iloc[0]
    table = runs.measures[runs.measures["run"].isin(rows["run"])]
    drawn = dict(zip(table["name"], table["value"], strict=True))
    same = [
        row
        for row, printed in enumerate([*inputs["x"], inputs["test"]], 1)
        if all(f"{drawn[f'row_{row}_{k}']:.4f}" == text for k, text in enumerate(printed, 1))
    ]
    rows_shown = [*(f"row {row}" for row in range(1, len(inputs["x"]) + 1)), "the inference input"]
    names: dict[bool, list[str]] = {True: [], False: []}
    for row, name in enumerate(rows_shown, 1):
        names[row in same].append(name)
    return (
        f"As the first rows that PyTorch draws with seed {seed} come {listed(names[True])} of the "
        f"transcript, but not {listed(names[False])}: it is not the transcript of one run.",
    )


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


def handwritten(inputs: Mapping[str, Any], runs: Runs) -> Working:
    """A19: what is learnt in a batch norm whose gamma and beta are tensors of a plain class."""
    rows = measurements(runs, "handwritten")

    def found(layer: str, name: str) -> float:
        table = measures(runs, rows, name)
        return float(table[table["layer"] == layer]["value"].mean())

    learnt, gradient = found("plain", "learnt_values"), found("plain", "has_gradient")
    steps = [
        stated(
            "numbers that an optimizer would be given",
            learnt > 0,
            "gamma and beta are learnable parameters",
            learnt,
            "parameters of the class as the section writes it; PyTorch's layer has "
            f"{shown(found('torch', 'learnt_values'))}",
            inputs["lines"]["learnable"],
        ),
        Step("gamma gets a gradient, 1 is yes", gradient),
        Step("the same in PyTorch's layer", found("torch", "has_gradient")),
        Step("largest difference of the outputs", found("plain", "largest_output_difference")),
        Step("running variance, by 1/B", found("plain", "running_variance")),
        Step("running variance of PyTorch's layer", found("torch", "running_variance")),
    ]
    return Working(
        f"The hand-written layer has {shown(learnt)} learnable numbers: {right(steps)}; its "
        f"outputs agree with PyTorch's to {found('plain', 'largest_output_difference'):.0e}",
        tuple(steps),
        (
            "The class is no module and its tensors ask for no gradient, so training never changes "
            "gamma and beta.",
            "It keeps the running variance by 1/B, PyTorch by 1/(B - 1): with batches of standard "
            f"normal values they end at {shown(round(found('plain', 'running_variance'), 2))} and "
            f"{shown(round(found('torch', 'running_variance'), 2))}.",
        ),
    )
