"""Normalising a list, undoing it, and what normalised values must have (A1, A2, A18)."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from bnexp.comparisons.judges.board import (
    EPS,
    added,
    mean,
    number,
    numbers,
    right,
    root,
    shown,
    stated,
    variance,
)
from bnexp.comparisons.working import Step, Working
from bnexp.report.labels import listed
from bnexp.runs.tables import Runs


def by_given_statistics(inputs: Mapping[str, Any], runs: Runs) -> Working:
    """A1: a list normalised by the mean and std that the source states for it."""
    x = numbers(inputs["x"])
    centre, std = number(inputs["mean"]), number(inputs["std"])
    values = [
        Step(
            f"x_hat_{i}",
            float((x_i - centre) / std),
            printed,
            "(x - mean) / std, both as printed",
            f"({added([x_i, -centre])}) / {shown(std)} = {shown((x_i - centre) / std)}",
            line=inputs["lines"]["x_hat"],
        )
        for i, (x_i, printed) in enumerate(zip(x, inputs["x_hat"], strict=True), 1)
    ]
    biased, unbiased = variance("", x), variance("", x, ddof=1)
    own = [
        mean(f"mean of the {len(x)} values alone", x),
        root("their std by 1/B", biased),
        root("their std by 1/(B - 1)", unbiased),
    ]
    told = f"{shown(own[0].value)} and {shown(own[1].value)} or {shown(own[2].value)}"
    return Working(
        f"With the stated mean {shown(centre)} and std {shown(std)}, {right(values)}; the mean "
        f"and std of the {len(x)} values alone are {told}",
        (*values, *own),
        (
            f"The list is printed with an ellipsis. Its {len(x)} values alone do not have the "
            "stated mean and std, so the numbers follow only if the list goes on.",
        ),
    )


def undone(inputs: Mapping[str, Any], runs: Runs) -> Working:
    """A2: gamma = sigma_B and beta = mu_B give x back but for eps."""
    x = numbers(inputs["x"])
    mu, var = float(x.mean()), float(x.var())
    x_hat = (x - mu) / np.sqrt(var + EPS)
    steps = [mean("beta = mu_B", x), root("gamma = sigma_B", variance("", x))]
    largest = {}
    for name, gamma in (("sigma_B", np.sqrt(var)), ("sqrt(sigma_B^2 + eps)", np.sqrt(var + EPS))):
        y = gamma * x_hat + mu
        largest[name] = float(abs(y - x).max())
        for i, (value, hat) in enumerate(zip(y, x_hat, strict=True), 1):
            steps.append(
                Step(
                    f"y_{i} with gamma = {name}",
                    float(value),
                    formula=f"{name} x_hat + mu_B",
                    working=f"{gamma:.8g} x {hat:.8g} + {shown(mu)} = {value:.8g}",
                )
            )
    steps.append(
        stated(
            "y with gamma = sigma_B, beta = mu_B",
            largest["sigma_B"] < 1e-12,
            "y = x (identity)",
            largest["sigma_B"],
            "the largest |y_i - x_i|",
            inputs["lines"]["identity"],
        )
    )
    for label, v in (("of this batch", var), ("where the variance equals eps", EPS)):
        ratio = float(np.sqrt(v / (v + EPS)))
        steps.append(
            Step(
                f"spread kept by gamma = sigma_B, {label}",
                ratio,
                None,
                "sqrt(var / (var + eps))",
                f"sqrt({shown(v)} / ({shown(v)} + {EPS:g})) = {ratio:.7g}",
            )
        )
    lost = 1 - float(np.sqrt(var / (var + EPS)))
    return Working(
        f"gamma = sigma_B, beta = mu_B gives x back but for {lost:.1e} of its spread; "
        "gamma = sqrt(sigma_B^2 + eps) gives it back to "
        f"{largest['sqrt(sigma_B^2 + eps)']:.0e}",
        tuple(steps),
        (
            "x is the first neuron's batch of section 3.",
            "It matters where a channel hardly varies: at a variance of eps, gamma = sigma_B keeps "
            f"{shown(round(0.5**0.5, 3))} of the spread.",
        ),
    )


def all_standard(inputs: Mapping[str, Any], runs: Runs) -> Working:
    """A18: mean and std of the normalised values that the source prints, neuron by neuron.

    "About 1" is read as 1.0 to one digit; the std is by 1/B, as the source's own formula has it.
    """
    steps = []
    for k, printed in enumerate(inputs["x_hat"], 1):
        x_hat = numbers(printed)
        centre, std = mean("", x_hat), root("", variance("", x_hat))
        for name, found, claim in (("mean", centre, 0.0), ("std", std, 1.0)):
            steps.append(
                stated(
                    f"neuron {k}: {name} of the printed x_hat",
                    round(found.value, 1) == claim,
                    f"{name} about {claim:.0f}",
                    found.value,
                    found.formula,
                    inputs["lines"][name],
                )
            )
    stds = [shown(round(step.value, 3)) for step in steps if "std" in step.label]
    return Working(
        f"The printed values have stds {listed(stds)} by 1/B: {right(steps)}",
        tuple(steps),
        (
            "Normalised from the batch's own statistics every neuron has std sqrt(v / (v + eps)); "
            "the printed values of neurons 2 and 3 come from other variances (A6, A7).",
        ),
    )
