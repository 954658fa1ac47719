"""The alternatives of section 11: batch renormalisation, weight and spectral norm (B16)."""

import pandas as pd

from bnexp.comparisons.accuracies import accuracy_row, lead, lost, points
from bnexp.comparisons.choices import Choices
from bnexp.comparisons.finding import Finding, Quantity
from bnexp.comparisons.judges.cost import time_ratio
from bnexp.comparisons.measure import cell, measurements, measures, readings
from bnexp.report.labels import number
from bnexp.runs.tables import Runs

SMALL = (2, 4)  # batch sizes


def of_section_11(runs: Runs, choices: Choices) -> Finding:
    """B16: batch renorm at small batches, weight norm's time and score, spectral norm's bound."""
    rows = runs.runs[runs.runs["model.norm"].notna()]
    timed, rest = cell(rows, exclusive=True), cell(rows, exclusive=False)
    tiny = rest["data.batch_size"].isin(SMALL)
    by_rule = {"small": rest[tiny], "best": rest[~tiny]}
    quantities, table = {}, []
    cases: dict[str, tuple[str, dict[str, object]]]
    cases = {f"renorm_at_{size}": ("small", {"data__batch_size": size}) for size in SMALL}
    cases |= {f"weight_{kind}": ("best", {"model__kind": kind}) for kind in ("mlp", "cnn")}
    for name, (rule, keys) in cases.items():
        norm = "batch_renorm" if rule == "small" else "weight"
        arms = {
            arm: choices.chosen(by_rule[rule], rule, model__norm=arm, **keys)
            for arm in (norm, "batch")
        }
        quantities[name] = lead(arms[norm], arms["batch"])
        where = {key.rpartition("__")[2]: value for key, value in keys.items()}
        table += [
            where | {"norm": arm, "learning_rate": found["optimizer.lr"].iloc[0]}
            | accuracy_row(found)
            for arm, found in arms.items()
            if len(found)
        ]  # fmt: skip
    quantities["weight_time"] = time_ratio(
        runs, cell(timed, model__norm="weight"), cell(timed, model__norm="batch")
    )
    for norm in ("spectral", "none"):
        for value in ("bound", "slope"):
            quantities[f"{value}_{norm}"] = lipschitz(runs, norm, value)
    return Finding(_summary(quantities), quantities, pd.DataFrame(table), notes=lost(rows))


def lipschitz(runs: Runs, norm: str, name: str) -> Quantity:
    """A value of the measurement `lipschitz` for the discriminator with this norm, by seed."""
    found = measures(runs, measurements(runs, "lipschitz"), name)
    return Quantity(readings(found[found["layer"] == norm].set_index("seed")["value"]))


def _summary(quantities: dict[str, Quantity]) -> str:
    words = [
        f"batch renorm has {points(quantities[f'renorm_at_{size}'].centre)} on batch norm at "
        f"batch size {size}"
        for size in SMALL
        if quantities[f"renorm_at_{size}"].n
    ]
    if quantities["weight_time"].n:
        time = number(quantities["weight_time"].centre)
        words.append(f"a step with weight norm takes {time} times as long as with batch norm")
    bounds = [quantities[f"bound_{norm}"] for norm in ("spectral", "none")]
    if all(bound.n for bound in bounds):
        with_it, without = (number(bound.centre) for bound in bounds)
        words.append(f"spectral norm bounds a discriminator's slope by {with_it}, not {without}")
    text = "; ".join(words) or "nothing of it was measured"
    return text[0].upper() + text[1:]
