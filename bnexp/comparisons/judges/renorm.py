"""Batch renormalisation as printed and as published (A16)."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from bnexp.comparisons.judges.board import EPS, Numbers, number, numbers, shown, stated
from bnexp.comparisons.working import Step, Working
from bnexp.runs.tables import Runs


def renormalised(
    x: Numbers, mean: float, std: float, r_max: float, d_max: float
) -> tuple[Numbers, float, float]:
    """Return x_hat, r and d of algorithm 1 of arXiv:1702.03275; mean and std are the running ones.

    x_hat = (x - mu_B) / s_B r + d, r = clip(s_B / std, 1 / r_max, r_max),
    d = clip((mu_B - mean) / std, -d_max, d_max), s_B = sqrt(sigma_B^2 + eps).
    """
    batch_mean, batch_std = x.mean(), np.sqrt(x.var() + EPS)
    r = float(np.clip(batch_std / std, 1 / r_max, r_max))
    d = float(np.clip((batch_mean - mean) / std, -d_max, d_max))
    return (x - batch_mean) / batch_std * r + d, r, d


def formula(inputs: Mapping[str, Any], runs: Runs) -> Working:
    """A16: the printed formula beside the published one, on one batch.

    The source prints no numbers for it; one statement is judged, the formula itself.
    """
    x = numbers(inputs["x"])
    mean, std = number(inputs["running_mean"]), float(np.sqrt(number(inputs["running_var"])))
    r_max, d_max = number(inputs["r_max"]), number(inputs["d_max"])
    as_printed = (x - x.mean()) / x.std()
    published, r, d = renormalised(x, mean, std, r_max, d_max)
    closed, _, _ = renormalised(x, mean, std, 1.0, 0.0)
    opened, _, _ = renormalised(x, mean, std, np.inf, np.inf)
    batch_std, off = float(np.sqrt(x.var() + EPS)), float((x.mean() - mean) / std)
    corrections = [
        Step(
            "r",
            r,
            None,
            "clip(s_B / s, 1 / r_max, r_max)",
            f"{shown(batch_std)} / {shown(std)} = {shown(batch_std / std)}",
        ),
        Step(
            "d",
            d,
            None,
            "clip((mu_B - mu) / s, -d_max, d_max)",
            f"({shown(x.mean())} - {shown(mean)}) / {shown(std)} = {shown(off)}",
        ),
    ]
    steps = [
        Step(
            f"y_{i}, gamma 1 and beta 0",
            float(value),
            formula="(x - mu_B) / s_B r + d",
            working=f"{shown((x_i - x.mean()) / batch_std)} x {shown(r)} + {shown(d)} = "
            f"{shown(value)}",
        )
        for i, (x_i, value) in enumerate(zip(x, published, strict=True), 1)
    ]
    from_published = abs(as_printed - published)
    steps.append(
        stated(
            "the printed formula against the published one",
            bool(from_published.max() < 1e-6),
            "y = gamma / sigma_B (x - mu_B) + beta",
            float(from_published.max()),
            "the largest difference: r and d are left out",
            inputs["lines"]["formula"],
        )
    )
    by_batch, by_running = (x - x.mean()) / batch_std, (x - mean) / std
    limits = [
        Step(
            "r_max 1 and d_max 0: largest difference from batch norm",
            float(abs(closed - by_batch).max().round(12)),
        ),
        Step(
            "without clipping: largest difference from (x - mu) / s",
            float(abs(opened - by_running).max().round(12)),
        ),
    ]
    from_batch_norm = abs(as_printed - by_batch).max()
    return Working(
        f"The formula as printed is within {from_batch_norm:.1g} of plain batch norm; with the "
        f"published r = {shown(r)} and d = {shown(d)} its values change by "
        f"{from_published.min():.3g} to {from_published.max():.3g}",
        (*corrections, *steps, *limits),
        (
            "The running mean and variance are those of section 5 after its first batch; x is the "
            "first neuron's batch of section 3; r_max and d_max are the paper's last.",
        ),
    )
