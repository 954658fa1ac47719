"""How large a learning rate an arm stands, and what the best one brings (B7, B8)."""

import pandas as pd

from bnexp.comparisons.accuracies import lead, lost, points
from bnexp.comparisons.choices import Choices
from bnexp.comparisons.finding import Finding, Quantity
from bnexp.comparisons.measure import accuracies, cell, ratios, searched, times_to
from bnexp.comparisons.readings import Readings
from bnexp.comparisons.words import shown
from bnexp.report.labels import listed, norm_name
from bnexp.runs.tables import Runs

OPTIMIZERS = {"sgd": "SGD", "adam": "Adam"}
NORMS = ("none", "batch")
FEW = 200  # images, where the plain net has room


def stable_ratio(runs: Runs, choices: Choices) -> Finding:
    """B8: the largest stable rate with batch norm over the one without, by optimizer.

    Also the range of rates that train, from the smallest useful one to the largest stable one.
    """
    quantities: dict[str, Quantity] = {}
    lines = []
    for optimizer in OPTIMIZERS:
        rows = cell(runs.runs, optimizer__name=optimizer)
        ends = {
            (end, norm): searched(rows, choices, end, optimizer__name=optimizer, model__norm=norm)
            for end in ("stable", "useful")
            for norm in NORMS
        }
        stable, useful = ([ends[end, norm] for norm in NORMS] for end in ("stable", "useful"))
        quantities[optimizer] = over_none(*stable)
        widths = [ratios(*pair) for pair in zip(stable, useful, strict=True)]
        quantities[f"{optimizer}_width"] = over_none(*widths)
        lines += [
            {
                "optimizer": optimizer,
                "norm": norm_name(norm),
                "largest_stable_lr": Quantity(ends["stable", norm], "ratio").centre,
                "smallest_useful_lr": Quantity(ends["useful", norm], "ratio").centre,
                "seeds": len(ends["stable", norm]),
            }
            for norm in NORMS
        ]
    told = [
        f"{shown(quantities[optimizer])} times with {name}"
        for optimizer, name in OPTIMIZERS.items()
        if quantities[optimizer].n
    ]
    return Finding(
        f"The largest stable learning rate with batch norm is {listed(told)} what it is without"
        if told
        else "No search for the largest stable learning rate has ended",
        {name: quantity for name, quantity in quantities.items() if quantity.n},
        pd.DataFrame(lines),
        notes=(
            "Stable: within 5 points of the validation accuracy of the arm's best rate by the "
            "pilots. Each seed bisects one grid of rates, whose neighbours hold its reading.",
        ),
    )


def over_none(plain: Readings, normed: Readings) -> Quantity:
    """How many times as large with batch norm as without, by seed."""
    return Quantity(ratios(normed, plain), "ratio", "x")


def section_8_table(runs: Runs, choices: Choices) -> Finding:
    """B7: epochs to the target and final accuracy of every arm.

    Epochs are those at each arm's fastest rate; accuracy is of nets trained on few images, at each
    arm's most accurate rate by validation.
    """
    goal = choices.target()
    usual = cell(runs.runs, training__evaluate_every=0.2)
    few = cell(runs.runs, data__train_size=FEW)
    quantities: dict[str, Quantity] = {}
    lines, told = [], []
    for optimizer, name in OPTIMIZERS.items():
        arms = {
            norm: choices.chosen(usual, "fastest", optimizer__name=optimizer, model__norm=norm)
            for norm in NORMS
        }
        small = {
            norm: choices.chosen(few, "accurate", optimizer__name=optimizer, model__norm=norm)
            for norm in NORMS
        }
        times = {norm: times_to(runs, arm, goal) for norm, arm in arms.items()}
        faster = Quantity(ratios(times["none"], times["batch"]), "ratio", "x")
        gain = lead(small["batch"], small["none"])
        quantities |= {f"{optimizer}_epochs": faster, f"{optimizer}_gain": gain}
        if faster.n:
            told.append(f"{shown(faster)} times sooner with {name}")
        lines += [
            {
                "optimizer": name,
                "norm": norm_name(norm),
                "fastest_lr": _rate(arms[norm]),
                "runs": len(arms[norm]),
                "reached_target": sum(time.bounded for time in times[norm].values()),
                "epochs_to_target": Quantity(times[norm]).centre,
                "best_lr_of_few_images": _rate(small[norm]),
                "test_accuracy_of_few_images": Quantity(accuracies(small[norm])).centre,
            }
            for norm in NORMS
        ]
    level = f"{100 * goal:.3g}% validation accuracy"
    sooner = f"batch norm is at {level} {listed(told)}" if told else f"no pair came to {level}"
    gains = [points(quantities[f"{name}_gain"].centre) for name in OPTIMIZERS]
    return Finding(
        f"Each arm at its own rate, {sooner}; on few images its test accuracy differs by "
        f"{listed(gains)}",
        {name: quantity for name, quantity in quantities.items() if quantity.n},
        pd.DataFrame(lines),
        notes=lost(runs.runs),
    )


def _rate(arm: pd.DataFrame) -> float:
    return float(arm["optimizer.lr"].iloc[0]) if len(arm) else float("nan")
