"""The machinery held against effects that are known: none, and a planted one (I3, I4)."""

import numpy as np
import pandas as pd

from bnexp.comparisons.finding import Finding, Quantity
from bnexp.comparisons.measure import by_seed, cell, difference
from bnexp.comparisons.verdict import ALPHA, corrected
from bnexp.report.labels import number
from bnexp.runs.tables import Runs

TIMES = 100  # comparisons drawn from the pool
SIZE = 10  # runs of each of the two arms


def identical_arms(runs: Runs) -> Finding:
    """I3: draws two disjoint arms from one pool 100 times and counts what is found between them.

    The arms are paired by position, as arms with disjoint seeds are by nothing better.
    """
    pool = by_seed(runs.runs, "test_accuracy").to_numpy()
    size = min(SIZE, len(pool) // 2)
    generator = np.random.default_rng(0)
    p = []
    for _ in range(TIMES):
        drawn = generator.permutation(pool)
        gaps = pd.Series(drawn[:size] - drawn[size : 2 * size])
        p.append(Quantity(gaps).p_against(0.0))
    raw = sum(one < ALPHA for one in p)
    after = sum(one < ALPHA for one in corrected(p, TIMES))
    measured = size >= 2
    return Finding(
        f"Of {TIMES} comparisons of identical arms of {size} runs, {raw} are below a raw p of 5%, "
        f"{after} after Holm's correction",
        {"raw": Quantity.fact(raw, "found"), "holm": Quantity.fact(after, "found")}
        if measured
        else {},
        pd.DataFrame({"comparison": range(TIMES), "p": p}),
        notes=(f"The pool has {len(pool)} runs.",),
    )


def planted_effect(runs: Runs) -> Finding:
    """I4: how much accuracy it costs to train on 200 images only, in points."""
    few = cell(runs.runs, data__train_size=200)
    many = runs.runs[~runs.runs["run"].isin(few["run"])]
    cost = difference(by_seed(many, "test_accuracy"), by_seed(few, "test_accuracy"))
    return Finding(
        f"Training on 200 images costs {number(cost.centre)} points of test accuracy",
        {"cost": cost},
        pd.DataFrame({"seed": cost.values.index, "points_lost": cost.values.to_numpy()}),
    )
