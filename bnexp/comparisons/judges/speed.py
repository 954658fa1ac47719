"""How much sooner a net with batch norm gets to where one without it gets (B12)."""

import pandas as pd

from bnexp.comparisons.accuracies import lost
from bnexp.comparisons.choices import Choices
from bnexp.comparisons.finding import Finding, Quantity
from bnexp.comparisons.measure import (
    best_accuracies,
    cell,
    column,
    differences,
    ratios,
    readings,
    times_to,
)
from bnexp.comparisons.readings import Readings, product, seed_by_seed
from bnexp.comparisons.words import shown
from bnexp.report.labels import norm_name, number
from bnexp.runs.tables import Runs

LOSS = 0.2  # section 8 of the source, in nats
RATES = {"none": 0.01, "batch": 0.1}  # section 8 of the source
FORMS = {
    "source": "at the source's rates",
    "equal": "at the rate that is fastest without batch norm",
    "best": "each at its own fastest rate",
}


def convergence(runs: Runs, choices: Choices) -> Finding:
    """B12: epochs and seconds to the target, and epochs to the training loss that is named.

    In three forms: at the source's learning rates, both at the rate that is fastest without batch
    norm, each at its own fastest. Seconds are steps times the time of a step. Best test accuracy
    is at each arm's best rate by validation.
    """
    rows = cell(runs.runs, exclusive=False)
    goals = dict.fromkeys(FORMS, choices.target()) | {"source": choices.target("source")}
    cost = step_cost(runs)
    quantities: dict[str, Quantity] = {}
    lines = []
    for form, words in FORMS.items():
        arms = {norm: arm(rows, choices, form, norm) for norm in RATES}
        times = {norm: times_to(runs, found, goals[form]) for norm, found in arms.items()}
        losses = {
            norm: times_to(runs, found, LOSS, name="train_loss") for norm, found in arms.items()
        }
        faster = ratios(times["none"], times["batch"])
        quantities[f"{form}_epochs"] = Quantity(faster, "ratio", "x")
        quantities[f"{form}_seconds"] = Quantity(
            seed_by_seed(product, faster, cost), "ratio", "x", timed=True
        )
        quantities[f"{form}_loss"] = Quantity(ratios(losses["none"], losses["batch"]), "ratio", "x")
        lines += [
            {
                "form": words,
                "norm": norm_name(norm),
                "learning_rate": found["optimizer.lr"].iloc[0] if len(found) else float("nan"),
                "runs": len(found),
                "reached_target": sum(time.bounded for time in times[norm].values()),
                "epochs_to_target": Quantity(times[norm]).centre,
                "epochs_to_loss": Quantity(losses[norm]).centre,
                "best_test_accuracy": Quantity(best_accuracies(runs, found)).centre,
            }
            for norm, found in arms.items()
        ]
    low, high = (
        best_accuracies(runs, choices.chosen(rows, "accurate", model__norm=norm)) for norm in RATES
    )
    quantities["best_accuracy"] = Quantity(differences(high, low), unit="points")
    told = [
        f"{shown(quantities[f'{form}_epochs'])} {words} (to {100 * goals[form]:.3g}%)"
        for form, words in FORMS.items()
        if quantities[f"{form}_epochs"].n
    ]
    factors = "; ".join(told) or "unknown size"
    summary = f"Batch norm is faster to a validation accuracy, in epochs, by a factor of {factors}"
    return Finding(summary, quantities, pd.DataFrame(lines), notes=(*_note(cost), *lost(rows)))


def arm(rows: pd.DataFrame, choices: Choices, form: str, norm: str) -> pd.DataFrame:
    """The runs of one net in one of the three forms."""
    if form == "source":
        return cell(rows, model__norm=norm, optimizer__lr=RATES[norm])
    return choices.chosen(rows, "fastest" if form == "best" else form, model__norm=norm)


def step_cost(runs: Runs) -> Readings:
    """By seed, the time of a step without norm over that with it, where nothing else ran."""
    timed = cell(runs.runs, exclusive=True)
    timed = timed.assign(step=timed["run"].map(runs.steps.groupby("run")["seconds"].median()))
    plain, normed = (readings(column(cell(timed, model__norm=norm), "step")) for norm in RATES)
    return ratios(plain, normed)


def _note(cost: Readings) -> tuple[str, ...]:
    if not cost:
        return ()
    times = number(1 / Quantity(cost, "ratio").centre)
    return (
        f"A step with batch norm takes {times} times as long: the median step of runs that had the "
        "machine to themselves, the two arms in an order drawn by the seed.",
    )
