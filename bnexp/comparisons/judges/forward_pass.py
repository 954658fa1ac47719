"""The forward pass of section 3: one product, ReLU, three normalised neurons (A3 to A7)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
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
            line=inputs["lines"]["terms"],
        )
        for i, (w_i, x_i, printed) in enumerate(zip(w, x, inputs["terms"], strict=True), 1)
    ]
    z = float(w @ x + b)
    working = f"{added([*(w * x), b])} = {shown(z)}"
    line = inputs["lines"]["z"]
    steps.append(Step("z", z, inputs["z"], "sum of w_i x_i + b", working, line=line))
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
        std = root(f"neuron {k}: std", biased, printed, given_by(printed, mistaken), neuron["line"])
        steps += [
            mean(f"neuron {k}: mean of ReLU(z)", a, neuron["mean"], line=neuron["line"]),
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
    lines = inputs["lines"]
    mu, var = mean("mu_B", z, inputs["mean"], line=lines["mean"]), float(z.var())
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
                line=lines["squares"],
            )
        )
    for printed, line in zip(inputs["variance"], lines["variance"], strict=True):
        slip = _variance_slip(z, printed)
        steps.append(variance("sigma_B^2", z, printed, explains=slip, line=line))
    steps.append(variance("sigma_B^2 by 1/(B - 1)", z, ddof=1))
    steps += _divisor_steps(inputs, var)
    centre, divisor = number(inputs["mean"]), np.sqrt(number(inputs["variance"][0]) + EPS)
    x_hat = [
        explained(
            replace(
                normalised(f"x_hat_{i}", z_i, mu.value, var, printed, lines["x_hat"]),
                chains=_chains(inputs, z_i, mu.value, var),
            ),
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
        relu = Step(
            f"ReLU(y_{i})", value, printed, "max(0, gamma x_hat + beta)", working,
            line=lines["relu"],
            chains={name: max(0.0, by) for name, by in step.chains.items()},
        )  # fmt: skip
        before = max(number(step.printed or "nan"), 0.0)
        steps.append(explained(relu, {"max(0, the printed x_hat)": before}))
    return Working(
        f"mu_B {shown(mu.value)}, sigma_B^2 {shown(var)}: {right(steps)}",
        tuple(steps),
        (*_coincidence(inputs), *_divisor(inputs, z, mu.value)),
    )


def _variance_slip(z: Numbers, printed: str) -> str:
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


def _divisor_steps(inputs: Mapping[str, Any], var: float) -> list[Step]:
    """sigma_B^2 + eps and its root, where the source prints them on its way."""
    if "divisor" not in inputs:
        return []
    (square, std), lines = inputs["divisor"], inputs["lines"]["divisor"]
    rounded = round(var, len(inputs["variance"][0].partition(".")[2]))
    working = f"{shown(var)} + {EPS:g} = {var + EPS:.7g}"
    chains = {"from the variance as rightly rounded": rounded + EPS}
    first = Step(
        "sigma_B^2 + eps", var + EPS, square, "sigma_B^2 + eps", working,
        line=lines[0], chains=chains,
    )  # fmt: skip
    second = Step(
        "its root",
        float(np.sqrt(var + EPS)),
        std,
        "sqrt(sigma_B^2 + eps)",
        f"sqrt({var + EPS:.7g}) = {np.sqrt(var + EPS):.7g}",
        line=lines[1],
        chains={name: float(np.sqrt(value)) for name, value in chains.items()},
    )
    return [first, explained(second, {f"sqrt({square})": float(np.sqrt(number(square)))})]


def _chains(inputs: Mapping[str, Any], x: float, mu: float, var: float) -> dict[str, float]:
    """x_hat by other orders of rounding: variance, and divisor, to the digits that are printed."""
    printed = inputs["variance"][0]
    rounded = round(var, len(printed.partition(".")[2]))
    chains = {"from the variance as rightly rounded": (x - mu) / float(np.sqrt(rounded + EPS))}
    if "divisor" in inputs:
        digits = len(inputs["divisor"][1].partition(".")[2])
        chains["from the divisor as rightly rounded"] = (x - mu) / round(
            float(np.sqrt(var + EPS)), digits
        )
    return chains


def _coincidence(inputs: Mapping[str, Any]) -> tuple[str, ...]:
    """What else has the value of a wrong variance, which may or may not be the cause."""
    other = inputs.get("other")
    if other is None:
        return ()
    value = float(np.maximum(numbers(other["z"]), 0).var())
    [printed] = inputs["variance"]
    if step_verdict(Step("", value, printed)) == "erratum":
        return ()
    return (
        f"{printed} is also the variance by 1/B of {other['name']} ({shown(value)}), which may be "
        "a coincidence.",
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
