"""How large a learning rate an arm stands, and what the best one brings (B7, B8)."""

from dataclasses import replace

import numpy as np
import pandas as pd

from bnexp.comparisons.accuracies import lost
from bnexp.comparisons.finding import Finding, Quantity
from bnexp.comparisons.measure import (
    best,
    by_seed,
    cell,
    ratio,
    reached,
    speedup,
    target,
    trained,
)
from bnexp.report.labels import listed, norm_name, number, value_name
from bnexp.runs.tables import Runs

KEY = "optimizer.lr"
OPTIMIZERS = {"sgd": "SGD", "adam": "Adam"}
NORMS = ("none", "batch")


def stable_ratio(runs: Runs) -> Finding:
    """B8: the largest stable rate with batch norm over the one without, by optimizer."""
    quantities = {}
    lines = []
    for optimizer in OPTIMIZERS:
        rows = cell(runs.runs, optimizer__name=optimizer)
        quantities[optimizer] = rate_ratio(rows)
        lines += [
            {"optimizer": optimizer, "norm": norm, "seed": seed, "largest_stable_lr": rate}
            for norm in NORMS
            for seed, rate in largest_trained(cell(rows, model__norm=norm)).items()
        ]
    told = [
        f"{shown(quantity)} times with {OPTIMIZERS[optimizer]}"
        for optimizer, quantity in quantities.items()
        if quantity.n
    ]
    summary = (
        f"The largest stable learning rate with batch norm is {listed(told)} what it is without"
        if told
        else "No ratio of largest stable learning rates could be read off"
    )
    step = max(quantity.grid for quantity in quantities.values())
    note = (
        f"Neighbours on the grids of rates lie factors of up to {number(step)} apart, so that a "
        "ratio is known within that factor only; the intervals are widened by it."
    )
    return Finding(summary, quantities, pd.DataFrame(lines), notes=(note, *lost(runs.runs)))


def section_8_table(runs: Runs) -> Finding:
    """B7: largest stable rate, epochs to the target and final accuracy of every arm.

    Epochs are those at each arm's fastest rate, accuracy is at its best rate by validation.
    """
    rows = runs.runs
    goal = target(runs)
    usual = cell(rows, model__depth=None)
    quantities, gains = {}, []
    for optimizer in OPTIMIZERS:
        arms = cell(usual, optimizer__name=optimizer)
        plain, normed = (cell(arms, model__norm=norm) for norm in NORMS)
        slow, fast = (reached(runs, fastest(runs, arm, goal), goal) for arm in (plain, normed))
        budget = float(pd.to_numeric(arms["epochs"]).max())
        quantities[f"{optimizer}_epochs"] = speedup(slow, fast, budget)
        low, high = (by_seed(best(arm), "test_accuracy") for arm in (plain, normed))
        gains.append(high - low)
    gain = pd.concat(gains, axis=1).dropna().mean(axis=1)
    quantities["gain"] = Quantity(100 * gain, "value", "points")
    deep = rows[rows["model.depth"].notna()]
    quantities["deep_rate"] = rate_ratio(cell(deep, optimizer__name="sgd"))
    told = [
        f"{shown(quantities[f'{optimizer}_epochs'])} times sooner with {name}"
        for optimizer, name in OPTIMIZERS.items()
        if quantities[f"{optimizer}_epochs"].n
    ]
    level = f"{100 * goal:.3g}% validation accuracy"
    sooner = (
        f"batch norm is at {level} {listed(told)}" if told else f"no pair of runs got to {level}"
    )
    more = f"; test accuracy differs by {100 * gain.mean():+.1f} points" if len(gain) else ""
    summary = f"Each arm at its own rate, {sooner}{more}"
    return Finding(summary, quantities, _table(runs, goal), notes=lost(rows))


def largest_trained(arm: pd.DataFrame, key: str = KEY) -> pd.Series:
    """By seed, the largest value of `key` up to which every run trained.

    Runs that fail at the smallest values, below the first that trained, do not count. Seeds
    without a trained run are left out.
    """
    found = {}
    for seed, rows in arm.groupby("seed"):
        rows = rows.sort_values(key)
        good = (rows["outcome"] == "trained").to_numpy()
        if not good.any():
            continue
        first = int(good.argmax())
        until = first + int(np.argmin(np.append(good[first:], False)))
        found[seed] = float(rows[key].iloc[until - 1])
    return pd.Series(found, dtype=float)


def tuned(arm: pd.DataFrame, key: str) -> pd.DataFrame:
    """The runs of each value of `key` at the learning rate that is best for it by validation.

    At the smallest rate where none trained.
    """
    chosen = []
    for _, rows in arm.groupby(key):
        found = best(rows)
        chosen.append(found if len(found) else rows[rows[KEY] == rows[KEY].min()])
    return pd.concat(chosen)


def fastest(runs: Runs, arm: pd.DataFrame, goal: float) -> pd.DataFrame:
    """The runs at the rate with the smallest median time to the validation accuracy `goal`.

    Of equals the one with the smaller mean, then the smaller rate. Where most runs miss it at
    every rate, the runs at the best rate by final validation accuracy.
    """
    times = {rate: reached(runs, rows, goal) for rate, rows in arm.groupby(KEY)}
    order = sorted(times, key=lambda rate: (times[rate].median(), times[rate].mean(), rate))
    if not order or not np.isfinite(times[order[0]].median()):
        return best(arm)
    return arm[arm[KEY] == order[0]]


def rate_ratio(rows: pd.DataFrame) -> Quantity:
    """The largest stable rate with batch norm over the one without."""
    plain, normed = (largest_trained(cell(rows, model__norm=norm)) for norm in NORMS)
    return reach_ratio(plain, normed, rows[KEY])


def reach_ratio(plain: pd.Series, normed: pd.Series, grid: pd.Series) -> Quantity:
    """How much further `normed` reaches than `plain`, by seed, both read off the same grid.

    At the top of the grid the true reach may be larger: then the ratio is a bound, and seeds
    where both are there say nothing.
    """
    values = np.sort(grid.astype(float).unique())
    spacing = float((values[1:] / values[:-1]).max()) if len(values) > 1 else 1.0
    top = values[-1] if len(values) else np.nan
    shared = [s for s in plain.index if s in normed.index and min(plain[s], normed[s]) < top]
    plain, normed = plain[shared], normed[shared]
    if (plain == top).any() and (normed == top).any():  # bounds on either side: both are left out
        inside = (plain < top) & (normed < top)
        plain, normed = plain[inside], normed[inside]
    found = ratio(normed, plain, grid=spacing)
    if (normed == top).any():
        return replace(found, bound="least")
    return replace(found, bound="most") if (plain == top).any() else found


def _table(runs: Runs, goal: float) -> pd.DataFrame:
    """A line for each net, optimizer and norm, as in the source's table."""
    rows = runs.runs
    keys = [rows["model.depth"].fillna(0), rows["optimizer.name"], rows["model.norm"]]
    lines = []
    for (depth, optimizer, norm), arm in rows.groupby(keys):
        stable, chosen, quick = largest_trained(arm), best(arm), fastest(runs, arm, goal)
        times = reached(runs, quick, goal)
        lines.append(
            {
                "hidden_layers": value_name(depth) if depth else "as usual",
                "optimizer": optimizer,
                "norm": norm_name(norm),
                "largest_stable_lr": stable.median(),
                "fastest_lr": quick[KEY].iloc[0] if len(quick) else np.nan,
                "runs": len(quick),
                "reached_target": int(np.isfinite(times).sum()),
                "epochs_to_target": times.median(),
                "best_lr": chosen[KEY].iloc[0] if len(chosen) else np.nan,
                "trained_at_best": len(trained(chosen)),
                "test_accuracy": by_seed(chosen, "test_accuracy").mean(),
            }
        )
    return pd.DataFrame(lines)


def shown(quantity: Quantity) -> str:
    """ "3.2", or "at least 3.2" where only a bound is known."""
    sides = {"": "", "least": "at least ", "most": "at most "}
    return f"{sides[quantity.bound]}{number(quantity.centre)}"
