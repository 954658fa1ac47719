"""The counting of seeds held against effects that are known: none, and a planted one (I3, I4)."""

import numpy as np
import pandas as pd

from bnexp.comparisons.accuracies import lead
from bnexp.comparisons.choices import Choices
from bnexp.comparisons.counting import ALONE, LEDGER, evidence
from bnexp.comparisons.finding import Finding, Quantity
from bnexp.comparisons.measure import cell, column
from bnexp.report.labels import number
from bnexp.runs.tables import Runs

TIMES = 100  # comparisons drawn from the pool


def identical_arms(runs: Runs, choices: Choices) -> Finding:
    """I3: draws two disjoint arms from one pool 100 times and counts seeds between them.

    The arms are paired by position, since they share no seeds. A
    comparison is decided where at any number of pairs, from the first on, the evidence for
    either side reaches its line: 20 by itself, 20 times 168 in the ledger.
    """
    pool = column(runs.runs, "test_accuracy").dropna().to_numpy()
    size = len(pool) // 2
    generator = np.random.default_rng(0)
    strongest = []
    for _ in range(TIMES):
        drawn = generator.permutation(pool)
        strongest.append(most_evidence(drawn[:size] - drawn[size : 2 * size]))
    found = {
        "alone": sum(one >= ALONE for one in strongest),
        "ledger": sum(one >= ALONE * LEDGER for one in strongest),
    }
    return Finding(
        f"Of {TIMES} comparisons of identical arms of {size} runs, {found['alone']} are decided by "
        f"themselves at any look, {found['ledger']} in the ledger",
        {name: Quantity.fact(count, "found") for name, count in found.items()} if size else {},
        pd.DataFrame({"comparison": range(TIMES), "strongest_evidence": strongest}),
        notes=(f"The pool has {len(pool)} runs.",),
    )


def most_evidence(gaps: np.ndarray) -> float:
    """The strongest evidence for either side of 0, over all looks; ties say nothing."""
    n = np.arange(1, len(gaps) + 1)
    sides = (np.cumsum(gaps > 0), np.cumsum(gaps < 0))
    return max((evidence(int(i), int(k)) for side in sides for i, k in zip(n, side, strict=True)),
               default=0.0)  # fmt: skip


def planted_effect(runs: Runs, choices: Choices) -> Finding:
    """I4: how much accuracy it costs to train on 200 images only, in points."""
    few = cell(runs.runs, data__train_size=200)
    many = runs.runs[~runs.runs["run"].isin(few["run"])]
    cost = lead(many, few)
    return Finding(
        f"Training on 200 images costs {number(cost.centre)} points of test accuracy",
        {"cost": cost},
        pd.DataFrame(
            [{"seed": seed, "points_lost": found.low} for seed, found in cost.readings.items()]
        ),
    )
