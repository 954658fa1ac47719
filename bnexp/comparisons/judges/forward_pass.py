"""The forward pass of section 3: one product, ReLU, three normalised neurons (A3 to A7)."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bnexp.comparisons.judges.board import (
    EPS,
    Numbers,
    added,
    explained,
    given_by,
    mean,
    normalised,
    number,
    numbers,
    right,
    root,
    shown,
    variance,
)
from bnexp.comparisons.working import Step, Working, step_verdict
from bnexp.runs.tables import Runs


def product(inputs: Mapping[str, Any], runs: Runs) -> Working:
    """A3: one pre-activation from weights, inputs and bias."""
    w, x, b = numbers(inputs["w"]), numbers(inputs["x"]), number(inputs["b"])
    steps = [
        Step(
            f"w_{i} x_{i}",
            float(w_i * x_i),
            printed,
            "w x",
            f"{shown(w_i)} x {shown(x_i)} = {shown(w_i * x_i)}",
        )
        for i, (w_i, x_i, printed) in enumerate(zip(w, x, inputs["terms"], strict=True), 1)
    ]
    z = float(w @ x + b)
    working = f"{added([*(w * x), b])} = {shown(z)}"
    steps.append(Step("z", z, inputs["z"], "sum of w_i x_i + b", working))
    return Working(
        f"z = {shown(z)}: {right(steps)}",
        tuple(steps),
        ("Only this neuron's weights are printed; the rest of Z cannot be recomputed.",),
    )


def after_relu(inputs: Mapping[str, Any], runs: Runs) -> Working:
    """A4: mean and std of every neuron after ReLU."""
    steps, notes = [], []
    for k, neuron in enumerate(inputs["neurons"], 1):
        z = numbers(neuron["z"])
        a = np.maximum(z, 0)
        biased, unbiased = variance("", a), variance("", a, ddof=1)
        printed = neuron["std"]
        mistaken = {
            "the std by 1/(B - 1)": float(a.std(ddof=1)),
            "the std before ReLU": float(z.std()),
            "the std before ReLU by 1/(B - 1)": float(z.std(ddof=1)),
            "the variance": float(a.var()),
            "the variance by 1/(B - 1)": float(a.var(ddof=1)),
            "the root mean square": float(np.sqrt((a**2).mean())),
            "the mean absolute deviation": float(abs(a - a.mean()).mean()),
            "the std of the positive values": float(a[a > 0].std()),
        }
        std = root(f"neuron {k}: std", biased, printed, given_by(printed, mistaken))
        steps += [
            mean(f"neuron {k}: mean of ReLU(z)", a, neuron["mean"]),
            std,
            root(f"neuron {k}: std by 1/(B - 1)", unbiased),
        ]
        if step_verdict(std) == "erratum" and not std.explains:
            notes.append(
                f"Neuron {k}: {printed} is given by none of {len(mistaken)} mistaken formulas "
                "tried, the one by 1/(B - 1) among them."
            )
    means = [step for step in steps if "mean" in step.label]
    stds = [step for step in steps if "mean" not in step.label]
    return Working(
        f"Of the means {right(means)}; of the stds {right(stds)}", tuple(steps), tuple(notes)
    )


def neuron(inputs: Mapping[str, Any], runs: Runs) -> Working:
    """A5, A6, A7: one neuron's mean, variance, normalised values and ReLU over the batch."""
    z = numbers(inputs["z"])
    mu, var = mean("mu_B", z, inputs["mean"]), float(z.var())
    steps = [mu]
    for i, printed in enumerate(inputs.get("squares", ()), 1):
        difference = z[i - 1] - mu.value
        steps.append(
            Step(
                f"squared deviation {i}",
                float(difference**2),
                printed,
                "(x_i - mean)^2",
                f"({added([z[i - 1], -mu.value])})^2 = {shown(difference**2)}",
            )
        )
    for printed in inputs["variance"]:
        steps.append(variance("sigma_B^2", z, printed, explains=_variance_slip(inputs, z, printed)))
    steps.append(variance("sigma_B^2 by 1/(B - 1)", z, ddof=1))
    centre, divisor = number(inputs["mean"]), np.sqrt(number(inputs["variance"][0]) + EPS)
    x_hat = [
        explained(
            normalised(f"x_hat_{i}", z_i, mu.value, var, printed),
            {
                "(x - mean) / sqrt(the printed variance + eps)": (z_i - mu.value) / divisor,
                "the same with the printed mean": (z_i - centre) / divisor,
                "(x - mean) / the std by 1/(B - 1)": (z_i - mu.value) / z.std(ddof=1),
            },
        )
        for i, (z_i, printed) in enumerate(zip(z, inputs["x_hat"], strict=True), 1)
    ]
    steps += x_hat
    for i, (step, printed) in enumerate(zip(x_hat, inputs["relu"], strict=True), 1):
        value = max(step.value, 0.0)
        working = f"max(0, {shown(step.value)}) = {shown(value)}"
        relu = Step(f"ReLU(y_{i})", value, printed, "max(0, gamma x_hat + beta)", working)
        before = max(number(step.printed or "nan"), 0.0)
        steps.append(explained(relu, {"max(0, the printed x_hat)": before}))
    return Working(
        f"mu_B {shown(mu.value)}, sigma_B^2 {shown(var)}: {right(steps)}",
        tuple(steps),
        (*_intermediate(inputs, var), *_divisor(inputs, z, mu.value)),
    )


def _variance_slip(inputs: Mapping[str, Any], z: Numbers, printed: str) -> str:
    """A mistaken formula that gives the printed variance, where the right one does not."""
    if step_verdict(Step("", float(z.var()), printed)) != "erratum":
        return ""
    mistaken = {
        "the variance by 1/(B - 1)": float(z.var(ddof=1)),
        "the std": float(z.std()),
        "the std by 1/(B - 1)": float(z.std(ddof=1)),
        "the mean square": float((z**2).mean()),
        "the variance after ReLU": float(np.maximum(z, 0).var()),
        "the variance after ReLU by 1/(B - 1)": float(np.maximum(z, 0).var(ddof=1)),
    }
    return given_by(printed, mistaken)


def _intermediate(inputs: Mapping[str, Any], var: float) -> tuple[str, ...]:
    """What is to be said of the divisor that the source prints on its way."""
    printed = inputs.get("divisor")
    if printed is None:
        return ()
    square, std = printed
    exact = var + EPS
    steps = (Step("", exact, square), Step("", float(np.sqrt(exact)), std))
    if "erratum" not in map(step_verdict, steps):
        return ()
    follows = given_by(std, {f"sqrt({square})": float(np.sqrt(number(square)))})
    return (
        f"On the way the source prints {square} for sigma_B^2 + eps = {exact:.7g} and {std} for "
        f"its root {np.sqrt(exact):.7g}, off in the last digit"
        + (f"; the second follows from the first ({follows})" if follows else "")
        + ". The normalised values agree to their digits all the same.",
    )


def _divisor(inputs: Mapping[str, Any], z: Numbers, mu: float) -> tuple[str, ...]:
    """Whether wrong normalised values follow from the printed variance, or from any."""
    printed: Sequence[str] = inputs["x_hat"]
    variance = number(inputs["variance"][0])
    pairs = list(zip(z, printed, strict=True))
    words = [step_verdict(normalised("", x, mu, z.var(), text)) for x, text in pairs]
    if "erratum" not in words:
        return ()
    centre = number(inputs["mean"])
    follow = [step_verdict(normalised("", x, centre, variance, text)) for x, text in pairs]
    count = sum(word != "erratum" for word in follow)
    low, high = common_divisor(z - centre, printed)
    told = (
        f"all {len(z)} are x - mean over one number between {low:.5f} and {high:.5f}, whose square "
        f"is {low**2:.4f} to {high**2:.4f}"
        if low <= high
        else "no single divisor gives all of them"
    )
    return (
        f"From the printed mean and variance {count} of the {len(z)} printed x_hat follow; {told}.",
    )


def common_divisor(deviations: Numbers, printed: Sequence[str]) -> tuple[float, float]:
    """The interval of divisors that give every printed quotient; empty where low > high."""
    lows, highs = [0.0], [np.inf]
    for deviation, text in zip(deviations, printed, strict=True):
        half = 0.5 * 10.0 ** -len(text.partition(".")[2])
        quotient = abs(number(text))
        lows.append(abs(deviation) / (quotient + half))
        highs.append(abs(deviation) / (quotient - half))
    return max(lows), min(highs)
