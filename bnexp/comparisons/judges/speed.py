"""How much sooner a net with batch norm is where one without gets too (B12)."""

from dataclasses import replace

import numpy as np
import pandas as pd

from bnexp.comparisons.accuracies import lost
from bnexp.comparisons.finding import Finding, Quantity
from bnexp.comparisons.judges.learning_rates import fastest, shown
from bnexp.comparisons.measure import (
    best,
    came_to,
    cell,
    difference,
    reached,
    speedup,
    target,
    trained,
)
from bnexp.report.labels import norm_name, number
from bnexp.runs.tables import Runs

KEY = "optimizer.lr"
LOSS = 0.2  # section 8 of the source, in nats
RATES = {"none": 0.01, "batch": 0.1}  # section 8 of the source
FORMS = {
    "source": "at the source's rates",
    "equal": "at the rate that is fastest without batch norm",
    "best": "each at its own fastest rate",
}


def convergence(runs: Runs) -> Finding:
    """B12: epochs and seconds to the target, and epochs to the training loss that is named.

    In three forms: at the source's learning rates, both at the rate that is fastest without batch
    norm, each at its own fastest. Seconds are steps times the time of a step. Best test accuracy
    is at each arm's best rate by validation.
    """
    rows = cell(runs.runs, exclusive=False)
    arms = {norm: cell(rows, model__norm=norm) for norm in RATES}
    goal, budget = target(runs), float(pd.to_numeric(rows["epochs"]).max())
    chosen = {norm: fastest(runs, arm, goal) for norm, arm in arms.items()}
    rate = chosen["none"][KEY].iloc[0] if len(chosen["none"]) else None
    pairs = {
        "source": [cell(arms[norm], optimizer__lr=lr) for norm, lr in RATES.items()],
        "equal": [cell(arm, optimizer__lr=rate) for arm in arms.values()],
        "best": [*chosen.values()],
    }
    cheaper = step_cost(runs)
    quantities: dict[str, Quantity] = {}
    lines = []
    for form, (plain, normed) in pairs.items():
        slow, fast = (reached(runs, arm, goal) for arm in (plain, normed))
        slow_loss, fast_loss = (loss_reached(runs, arm) for arm in (plain, normed))
        quantities[f"{form}_epochs"] = speedup(slow, fast, budget)
        quantities[f"{form}_seconds"] = in_seconds(quantities[f"{form}_epochs"], cheaper)
        quantities[f"{form}_loss"] = speedup(slow_loss, fast_loss, budget)
        lines += [
            {
                "form": FORMS[form],
                "norm": norm_name(norm),
                "learning_rate": arm[KEY].iloc[0] if len(arm) else np.nan,
                "runs": len(arm),
                "trained": len(trained(arm)),
                "reached_target": int(np.isfinite(times).sum()),
                "epochs_to_target": times.median(),
                "epochs_to_loss": losses.median(),
                "best_test_accuracy": best_accuracy(runs, arm).mean(),
            }
            for norm, arm, times, losses in (
                ("none", plain, slow, slow_loss), ("batch", normed, fast, fast_loss),
            )
        ]  # fmt: skip
    low, high = (best_accuracy(runs, arm) for arm in map(best, arms.values()))
    quantities["best_accuracy"] = difference(high, low)
    told = [
        f"{shown(quantities[f'{form}_epochs'])} {words}"
        for form, words in FORMS.items()
        if quantities[f"{form}_epochs"].n
    ]
    summary = f"No run reached {100 * goal:.3g}% validation accuracy"
    if told:
        summary = (
            f"Batch norm needs fewer epochs to {100 * goal:.3g}% validation accuracy by a factor "
            f"of {'; '.join(told)}"
        )
    notes = lost(rows)
    if len(cheaper):
        notes += (
            f"A step with batch norm takes {number(1 / cheaper.mean())} times as long; measured "
            "in runs that had the machine to themselves, the median step of each.",
        )
    return Finding(summary, quantities, pd.DataFrame(lines), notes=notes)


def loss_reached(runs: Runs, rows: pd.DataFrame, loss: float = LOSS) -> pd.Series:
    """When the training loss was first down to `loss`, in epochs, by seed; else infinite."""
    return came_to(runs, rows, loss, "epoch", "train_loss")


def step_cost(runs: Runs) -> pd.Series:
    """By seed, the time of a step without norm over that with batch norm, where run exclusively."""
    timed = cell(runs.runs, exclusive=True)
    if timed.empty:
        return pd.Series(dtype=float)
    seconds = timed["run"].map(runs.steps.groupby("run")["seconds"].median())
    table = timed.assign(value=seconds).pivot(index="seed", columns="model.norm", values="value")
    return (table["none"] / table["batch"]).dropna()


def in_seconds(epochs: Quantity, cheaper: pd.Series) -> Quantity:
    """A speedup by epochs as one by time, from the ratio of the times of a step."""
    shared = epochs.values.index.intersection(cheaper.index)
    return replace(epochs, values=epochs.values[shared] * cheaper[shared])


def best_accuracy(runs: Runs, rows: pd.DataFrame) -> pd.Series:
    """Test accuracy at the evaluation with the best validation accuracy, of the trained runs."""
    rows = trained(rows)
    epochs = runs.epochs[runs.epochs["run"].isin(rows["run"])].reset_index(drop=True)
    top = epochs.loc[epochs.groupby("run")["val_accuracy"].idxmax()].set_index("run")
    accuracy = rows["run"].map(top["test_accuracy"])
    return pd.Series(accuracy.to_numpy(float), index=rows["seed"].to_numpy()).sort_index()
