"""Statistics of batches of 1, 2 and 32 values (A13)."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy import stats

from bnexp.comparisons.judges.board import (
    EPS,
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
from bnexp.comparisons.working import Step, Working
from bnexp.runs.tables import Runs

SAMPLES = 50_000  # simulated batches


def examples(inputs: Mapping[str, Any], runs: Runs) -> Working:
    """A13: the source's batches, and how far a batch's mean and std scatter.

    50,000 simulated batches beside the normal law of the mean, sigma / sqrt(B), and the chi law
    of the std by 1/B.
    """
    lines = inputs["lines"]
    steps = _one(number(inputs["one"]["x"]), inputs["one"]["variance"], lines["variance"])
    refused = measures(runs, measurements(runs, "counts", norm="batch"), "refused")["value"]
    steps.append(Step("B = 1: PyTorch's layer refuses to train, 1 is yes", float(len(refused) > 0)))
    for pair in inputs["two"]:
        steps += _two(pair)
    closed = [step.value for step in steps if step.label.endswith("closed form")]
    steps.append(
        stated(
            "what the two pairs become",
            max(closed) - min(closed) > 1e-3,
            "different normalizations",
            max(closed) - min(closed),
            "the difference between the two pairs' |x_hat|",
            lines["different"],
        )
    )
    many = inputs["many"]
    mu, sigma, size = (number(many[key]) for key in ("mu", "sigma", "size"))
    found_mu, found_sigma = number(many["found_mu"]), number(many["found_sigma"])
    spread, near = _spread(mu, sigma, int(size), found_mu, found_sigma)
    return Working(
        f"Of the batches {right(steps)}; every pair becomes -1 and 1 whatever it holds, and one "
        f"batch of {shown(size)} in {1 / near:.0f} comes as near to the truth as the one printed",
        (*steps, *spread),
        (
            f"The two pairs are normalised to the same values ({shown(closed[0])} and "
            f"{shown(closed[1])}): a pair keeps only which of its values is larger.",
            f"Five of the {shown(size)} values are printed, so mean {many['found_mu']} and std "
            f"{many['found_sigma']} can be placed among batches but not recomputed.",
        ),
    )


def _one(x: float, printed: str, line: int) -> list[Step]:
    x_hat = normalised("B = 1: x_hat, whatever x is", x, x, 0.0)
    return [variance("B = 1: variance", np.array([x]), printed, line=line), x_hat]


def _two(pair: Mapping[str, Any]) -> list[Step]:
    x = numbers(pair["x"])
    name = f"B = 2, [{', '.join(pair['x'])}]"
    var = variance("", x)
    a, b = x
    closed = 1 / math.sqrt(1 + 4 * EPS / (a - b) ** 2)
    return [
        mean(f"{name}: mu_B", x, pair["mean"], line=pair["line"]),
        root(f"{name}: sigma_B", var, pair["std"], line=pair["line"]),
        *(
            normalised(f"{name}: x_hat_{i}", x_i, x.mean(), x.var(), printed, pair["line"] + 1)
            for i, (x_i, printed) in enumerate(zip(x, pair["x_hat"], strict=True), 1)
        ),
        Step(
            f"x_hat of the pair [{', '.join(pair['x'])}] in closed form",
            closed,
            None,
            "1 / sqrt(1 + 4 eps / (a - b)^2)",
            f"1 / sqrt(1 + 4 x {EPS:g} / {shown((a - b) ** 2)}) = {closed:.8g}",
        ),
    ]


def _spread(
    mu: float, sigma: float, size: int, found_mu: float, found_sigma: float
) -> tuple[list[Step], float]:
    """Scatter of mean and std, and the chance to be as near to the truth as the printed batch."""
    x = np.random.default_rng(0).normal(mu, sigma, (SAMPLES, size))
    means, stds = x.mean(1), x.std(1)
    sd_mean = sigma / math.sqrt(size)
    chi = stats.chi(size - 1, scale=sigma / math.sqrt(size))  # sigma_B by 1/B
    off_mu, off_sigma = abs(found_mu - mu), abs(found_sigma - sigma)
    chance_mu = 2 * stats.norm.cdf(off_mu / sd_mean) - 1
    chance_sigma = chi.cdf(sigma + off_sigma) - chi.cdf(sigma - off_sigma)
    near = float(chance_mu * chance_sigma)
    both = (abs(means - mu) <= off_mu) & (abs(stds - sigma) <= off_sigma)
    name, drawn = f"B = {size}", f"{SAMPLES:,} simulated batches"
    law = "sigma / sqrt(B) x chi with B - 1 degrees of freedom"
    steps = [
        Step(f"{name}: spread of mu_B, simulated", float(means.std(ddof=1)), None, drawn),
        Step(
            f"{name}: spread of mu_B, closed form",
            sd_mean,
            None,
            "sigma / sqrt(B)",
            f"{shown(sigma)} / sqrt({size}) = {shown(sd_mean)}",
        ),
        Step(f"{name}: mean of sigma_B, simulated", float(stds.mean()), None, drawn),
        Step(f"{name}: mean of sigma_B, chi law", float(chi.mean()), None, law),
        Step(f"{name}: spread of sigma_B, simulated", float(stds.std(ddof=1)), None, drawn),
        Step(f"{name}: spread of sigma_B, chi law", float(chi.std()), None, law),
        Step(
            f"{name}: share as near as the printed batch, simulated",
            float(both.mean()),
            None,
            drawn,
        ),
        Step(
            f"{name}: share as near as the printed batch, by the two laws",
            near,
            None,
            "P(|mu_B - mu| <= d) P(|sigma_B - sigma| <= e)",
            f"d = {shown(round(off_mu, 6))}, e = {shown(round(off_sigma, 6))}: "
            f"{shown(chance_mu)} x {shown(chance_sigma)} = {shown(near)}",
        ),
    ]
    return steps, near
