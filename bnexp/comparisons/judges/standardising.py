"""Normalising a list, and undoing it (A1, A2)."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from bnexp.comparisons.judges.board import (
    EPS,
    added,
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
    mu, var = x.mean(), x.var()
    steps = [mean("beta = mu_B", x), root("gamma = sigma_B", variance("", x))]
    x_hat = [normalised("", x_i, mu, var).value for x_i in x]
    for i, (value, printed) in enumerate(zip(x_hat, inputs["x"], strict=True), 1):
        y = float(np.sqrt(var) * value + mu)
        steps.append(
            Step(
                f"y_{i} with gamma = sigma_B",
                y,
                printed,
                "sigma_B x_hat + mu_B",
                f"{np.sqrt(var):.8g} x {value:.8g} + {shown(mu)} = {y:.8g}",
            )
        )
    exact = np.sqrt(var + EPS)
    for i, (value, printed) in enumerate(zip(x_hat, inputs["x"], strict=True), 1):
        y = float(exact * value + mu)
        steps.append(
            Step(
                f"y_{i} with gamma = sqrt(sigma_B^2 + eps)",
                y,
                printed,
                "sqrt(sigma_B^2 + eps) x_hat + mu_B",
                f"{exact:.8g} x {value:.8g} + {shown(mu)} = {y:.8g}",
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
    exactly = sum(step_verdict(step) == "exact" for step in steps if "eps) x_hat" in step.formula)
    lost = 1 - float(np.sqrt(var / (var + EPS)))
    return Working(
        f"gamma = sigma_B, beta = mu_B gives x back but for {lost:.1e} of its spread; "
        f"with gamma = sqrt(sigma_B^2 + eps) {exactly} of {len(x)} values come back exactly",
        tuple(steps),
        ("x is the first neuron's batch of section 3.",),
    )
