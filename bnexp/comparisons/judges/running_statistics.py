"""Batch statistics in training, running statistics in evaluation (A8, A9, A10, A20)."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from bnexp.comparisons.judges.board import (
    mean,
    normalised,
    number,
    numbers,
    right,
    shown,
    stated,
    variance,
)
from bnexp.comparisons.working import Step, Working
from bnexp.runs.tables import Runs

TRAININGS, BATCHES, BATCH_SIZE = 500, 1000, 64  # of the simulation in A10
SIZES = (8, 16, 32, 64)


def batch(inputs: Mapping[str, Any], runs: Runs) -> Working:
    """A8: statistics of a batch by both formulas, and the outputs by each."""
    x = np.array([numbers(row) for row in inputs["x"]])
    steps, unbiased, lines = [], [], inputs["lines"]
    for k, feature in enumerate(x.T):
        printed = inputs["mean"][k], inputs["variance"][k]
        steps += [
            mean(f"feature {k + 1}: mu", feature, printed[0], line=lines["mean"]),
            variance(f"feature {k + 1}: sigma^2", feature, printed[1], line=lines["variance"]),
        ]
        unbiased.append(variance(f"feature {k + 1}: sigma^2 by 1/(B - 1)", feature, ddof=1))
    first = x[:, 0]
    outputs = [
        normalised(f"x_hat of {shown(first[0])} {by}", first[0], first.mean(), first.var(ddof=ddof))
        for by, ddof in (("by 1/B", 0), ("by 1/(B - 1)", 1))
    ]
    ratio = outputs[1].value / outputs[0].value
    return Working(
        f"By 1/B {right(steps)}; by 1/(B - 1), which the section's own training function computes, "
        f"the variance is {shown(unbiased[0].value)}",
        (*steps, *unbiased, *outputs),
        (
            "The training function printed in the section takes torch's variance with its default, "
            "1/(B - 1), against the formula of section 2. Its normalised values are "
            f"{shown(ratio)} times the right ones.",
        ),
    )


def inference(inputs: Mapping[str, Any], runs: Runs) -> Working:
    """A9: one sample normalised by running statistics; the source leaves the result out."""
    x, mu = numbers(inputs["x"]), numbers(inputs["running_mean"])
    var = numbers(inputs["running_var"])
    outputs = [
        normalised(f"x_hat_{k}", *values)
        for k, values in enumerate(zip(x, mu, var, strict=True), 1)
    ]
    alone = [
        normalised(f"x_hat_{k} by the sample's own statistics", x_k, x_k, 0.0)
        for k, x_k in enumerate(x, 1)
    ]
    told = ", ".join(shown(step.value) for step in outputs)
    return Working(
        f"The output that the source leaves out is [{told}]; a single sample is enough",
        (*outputs, *alone),
        ("By its own statistics a single sample is always 0: nothing of it is left.",),
    )


def averages(inputs: Mapping[str, Any], runs: Runs) -> Working:
    """A10: two updates of the running statistics, and where a thousand lead.

    Where they end depends on the population and the batch size, of which the source names neither:
    its "about 2.5" and "about 1.6" are not judged. A population of that mean and variance is taken
    to show the ends by batch size, and the scatter that is left, in closed form and in a simulation
    of 500 trainings of 1,000 Gaussian batches of 64.
    """
    keep = number(inputs["lambda"])
    steps = []
    for name, start in (("mu", 0.0), ("sigma^2", 1.0)):
        running = start
        for k, update in enumerate(inputs[name], 1):
            new = number(update["batch"])
            kept, added = keep * running, (1 - keep) * new
            value = kept + added
            working = (
                f"{shown(keep)} x {shown(running)} + {shown(1 - keep)} x {shown(new)} = "
                f"{shown(kept)} + {shown(added)} = {shown(value)}"
            )
            formula = "lambda running + (1 - lambda) batch"
            for part, printed in zip((kept, added), update.get("terms", ()), strict=False):
                steps.append(
                    Step(
                        f"{name}, batch {k}, a term", part, printed, formula, working,
                        line=update["line"],
                    )
                )  # fmt: skip
            steps.append(
                Step(
                    f"running {name} after batch {k}",
                    value,
                    update["printed"],
                    formula,
                    working,
                    line=update["line"],
                )
            )
            running = value
    mu, var = (number(inputs["ends"][name]) for name in ("mu", "sigma^2"))
    means, variances = simulated(mu, var, keep)
    for size in SIZES:
        working = f"{shown(var)} x {size - 1} / {size}"
        end = var * (size - 1) / size
        label = f"where running sigma^2 ends, batches of {size}"
        steps.append(Step(label, end, None, "sigma^2 (B - 1) / B", working))
    where = f"mean of {TRAININGS} simulated trainings of {BATCHES:,} batches of {BATCH_SIZE}"
    steps += [
        Step("running mu after 1000 batches, simulated", float(means.mean()), None, where),
        Step("running sigma^2 after 1000 batches, simulated", float(variances.mean()), None, where),
    ]
    left = math.sqrt((1 - keep) / (1 + keep))
    sd_mean = math.sqrt(var / BATCH_SIZE) * left
    sd_var = var * math.sqrt(2 * (BATCH_SIZE - 1)) / BATCH_SIZE * left
    of = f"over {TRAININGS} trainings, itself uncertain by {(2 * TRAININGS - 2) ** -0.5:.0%}"
    closed = "sd of a batch's value x sqrt(m / (2 - m)), m = 1 - lambda"
    mean_formula = f"sqrt({shown(var)} / {BATCH_SIZE}) x {shown(left)} = {shown(sd_mean)}"
    var_formula = (
        f"{shown(var)} x sqrt(2 x {BATCH_SIZE - 1}) / {BATCH_SIZE} x {shown(left)} = "
        f"{shown(sd_var)}"
    )
    steps += [
        Step("spread of running mu, simulated", float(means.std(ddof=1)), formula=f"sd {of}"),
        Step("spread of running mu, closed form", sd_mean, None, closed, mean_formula),
        Step(
            "spread of running sigma^2, simulated", float(variances.std(ddof=1)), None, f"sd {of}"
        ),
        Step("spread of running sigma^2, closed form", sd_var, None, closed, var_formula),
        Step(
            "momentum in PyTorch's sense",
            1 - keep,
            None,
            "1 - lambda",
            f"1 - {shown(keep)} = {shown(1 - keep)}",
        ),
    ]
    for share in (0.9, 0.99):
        exact = math.log(1 - share) / math.log(keep)
        steps.append(
            Step(
                f"batches until {share:.0%} of a change has arrived",
                float(math.ceil(exact)),
                None,
                "log(1 - share) / log(lambda), rounded up",
                f"log({shown(1 - share)}) / log({shown(keep)}) = {shown(exact)}",
            )
        )
    return Working(
        f"Of the running statistics {right(steps)}; after 1000 batches the running mean still "
        f"scatters by {shown(round(sd_mean, 3))} around the population's",
        tuple(steps),
        (
            f"The source's lambda is the weight of the past: its {inputs['lambda']} is momentum "
            f"{shown(1 - keep)} in PyTorch, whose momentum weighs the newest batch.",
            f"The source names neither population nor batch size, so its ends of about {shown(mu)} "
            f"and {shown(var)} after 1000 batches are assumed, not judged. With a population "
            f"of variance {shown(var)} the hand-written layer, which keeps the variance by 1/B, "
            "ends below it, the more so the smaller its batches; PyTorch keeps that by 1/(B - 1) "
            "and ends at it.",
        ),
    )


def variance_or_std(inputs: Mapping[str, Any], runs: Runs) -> Working:
    """A20: the same numbers called variances in one section and standard deviations in another."""
    steps = []
    for batch in inputs["batches"]:
        value = number(batch["value"])
        steps.append(
            stated(
                f"batch with mu {batch['mu']}: std where the variance is {batch['value']}",
                math.isclose(math.sqrt(value), value, abs_tol=0.05),
                f"sigma = {batch['value']}, after sigma^2 = {batch['value']}",
                math.sqrt(value),
                "sqrt(sigma^2)",
                batch["line"],
            )
        )
    told = " and ".join(f"{shown(round(step.value, 3))}" for step in steps)
    return Working(
        f"If section 5's variances are right, section 8's stds are {told}: {right(steps)}",
        tuple(steps),
        ("Both sections print these numbers beside the same two batch means.",),
    )


def simulated(mu: float, var: float, keep: float) -> tuple[np.ndarray, np.ndarray]:
    """Running mean and variance at the end of every simulated training; variances by 1/B."""
    rng = np.random.default_rng(0)
    means, variances = np.zeros(TRAININGS), np.ones(TRAININGS)
    for _ in range(BATCHES):
        x = rng.normal(mu, math.sqrt(var), (TRAININGS, BATCH_SIZE))
        means = keep * means + (1 - keep) * x.mean(1)
        variances = keep * variances + (1 - keep) * x.var(1)
    return means, variances
